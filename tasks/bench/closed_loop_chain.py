"""The product under test, as a shop runs it: retrain, recommend, and ask how demand answers prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from conf import Settings


class Retrain(Protocol):
    """The whole chain from a sales table to registered models."""

    def __call__(self, settings: Settings) -> Mapping[str, Any]:
        """Return the summary of a retraining."""
        ...


class Recommend(Protocol):
    """The price list of the next week."""

    def __call__(
        self, settings: Settings, version: int, prices: str, out: str, seed: int, *, sales: str | None
    ) -> Any:
        """Write the list of a version of `pricing_policy`.

        Args:
            settings: of the retraining.
            version: of `pricing_policy`.
            prices: table of product, store, price in force and, where the shop knows it, unit cost.
            out: file of the list.
            seed: of what is drawn.
            sales: table of all sales since the training; none: there are none, or they are kept back.
        """
        ...


class Respond(Protocol):
    """The registered response of demand to prices."""

    def __call__(self, settings: Settings, version: int, request: pd.DataFrame) -> pd.DataFrame:
        """Return what a version of `price_response` answers.

        Args:
            settings: of the retraining.
            version: of `price_response`.
            request: product and store; with ``price``, the answer has the ``units`` a week that a list sells,
                without it the ``elasticity`` of every product and whether it is ``identified``.
        """
        ...


class Mislead(Protocol):
    """A wrong belief for a registered policy."""

    def __call__(self, settings: Settings, error: float, seed: int) -> None:
        """Put an error that all products share into the elasticities that the policy of a shop believes in.

        Args:
            settings: of the retraining.
            error: in all elasticities (1).
            seed: of what is drawn.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The product under test, and how its belief is misled where that is the experiment."""

    retrain: Retrain
    recommend: Recommend
    respond: Respond
    mislead: Mislead


def registered_response(settings: Settings, version: int, request: pd.DataFrame) -> pd.DataFrame:
    """Return the answer of a registered version of `price_response`, as ``Respond`` has it."""
    from tasks.runtime.champion_aliases import chosen

    _, response = chosen(settings, "price_response", version)
    answer: pd.DataFrame = response.predict(None, request)
    return answer
