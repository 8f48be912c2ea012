"""Typed settings of a retraining: one frozen object for the code, the Prefect form and the MLflow parameters.

Values live in ``base.yaml``; a profile says only what differs; ``--set`` and the Prefect form say the rest.
Every section documents its fields in a file of its name.
"""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator

from conf.approval import Approval
from conf.evaluate import Evaluate
from conf.forecast import Arima, Blend, Forecast, Lstm
from conf.guard import Breaker, ListGuard
from conf.layers import layered, section
from conf.passwords import require_no_password
from conf.paths import LocalPath
from conf.prepare import Features, Prepare
from conf.price import Dqn, Guard, Price, Variation
from conf.publish import Destination, Publish
from conf.renamed import with_new_names
from conf.respond import Respond
from conf.section import Section
from conf.services import Schedule, Track
from conf.source import Source

__all__ = [
    "Approval",
    "Arima",
    "Blend",
    "Breaker",
    "Destination",
    "Dqn",
    "Evaluate",
    "Features",
    "Forecast",
    "Guard",
    "ListGuard",
    "Lstm",
    "Prepare",
    "Price",
    "Publish",
    "Respond",
    "Schedule",
    "Section",
    "Settings",
    "Source",
    "Track",
    "Variation",
]

WORD = re.compile(r"[\w-]+")


class Settings(Section):
    """Every setting of a retraining.

    ``Settings(profile="smoke", forecast={"lstm": {"units": 32}})`` lays the given values over the profile,
    and the profile over ``base.yaml``.
    """

    profile: str = "default"
    """Profile laid over `base.yaml`: a name in `conf/profiles`, or the whole path of a `.yaml` file."""
    seed: int = Field(ge=0, default_factory=section("seed"))
    """Root of every random draw (1)."""
    data_folder: LocalPath = Field(default_factory=section("data_folder"))
    """Folder of all state: tables, models, databases."""
    source: Source = Field(default_factory=section("source"))
    prepare: Prepare = Field(default_factory=section("prepare"))
    forecast: Forecast = Field(default_factory=section("forecast"))
    respond: Respond = Field(default_factory=section("respond"))
    price: Price = Field(default_factory=section("price"))
    guard: ListGuard = Field(default_factory=section("guard"))
    evaluate: Evaluate = Field(default_factory=section("evaluate"))
    approval: Approval = Field(default_factory=section("approval"))
    publish: Publish = Field(default_factory=section("publish"))
    track: Track = Field(default_factory=section("track"))
    schedule: Schedule = Field(default_factory=section("schedule"))

    @model_validator(mode="wrap")
    @classmethod
    def _lay_over_profile(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Validate the given values over their profile; an old name is an error that says the new one."""
        if isinstance(given, dict):
            given = layered(given)
            require_no_password(given)
        try:
            return handler(given)
        except ValidationError as error:
            raise with_new_names(error) from None

    def flat(self) -> dict[str, str]:
        """Return dotted names and their values as text, as MLflow keeps parameters.

        A mapping stays one value where a name in it is no plain word: MLflow refuses signs in names.
        """
        return dict(_flatten(self.model_dump(mode="json"), ""))


def _flatten(tree: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in tree.items():
        if isinstance(value, dict) and value and all(map(WORD.fullmatch, value)):
            pairs += _flatten(value, f"{prefix}{name}.")
        else:
            pairs.append((f"{prefix}{name}", str(value)))
    return pairs
