"""The summary of a retraining, as ``repricer retrain --json`` writes it."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from tasks.runtime.records import Coverage, Interval, ListClaim, Scores, Trial, Versions


class DataSummary(TypedDict):
    """The data hash, and how many rows were read, accepted and set aside."""

    hash: str
    rows_in: int
    rows_accepted: int
    rows_quarantined: int


ForecastSummary = TypedDict(
    "ForecastSummary", {"scores": dict[str, Scores], "coverage": dict[str, Coverage], "lambda": float}
)
"""Scores on the held-out periods by model, coverage of the blend by class, and the global weight of ARIMA."""


class ResponseSummary(TypedDict):
    """How many products have an identified elasticity, how many have not, and the median of the former."""

    identified: int
    not_identified: int
    median_elasticity: float | None


class ChampionSummary(TypedDict):
    """The champion of now, and what its list changed in a week when it was registered (share), if known."""

    version: int
    lift: float | None
    low: float | None
    high: float | None


class Summary(TypedDict):
    """What ``repricer retrain --json`` writes; these names stay.

    ``verdict`` is PASS or FAIL, ``failed_gates`` names the gates that failed, ``reasons`` says why in
    sentences. ``list`` is what the candidate's price list would do: prices ``up``, ``down``, ``held`` and
    ``at_ends`` of the step (``at_ends_share``), ``lift`` (share of the objective of a week) and ``gain``
    (currency/week), both with their interval, and the same by ``categories``. ``champion`` stands beside it,
    none where nobody was promoted.
    ``seconds`` are those of every stage and their ``total``, ``peak_memory_mb`` the largest resident memory
    of the process and its children. ``currency`` is there where ``source.currency`` names it.
    """

    run_id: str
    data: DataSummary
    forecast: ForecastSummary
    response: ResponseSummary
    policy: dict[str, Interval]
    objective: str
    trial: Trial
    list: ListClaim
    off_policy: dict[str, Any] | None
    verdict: str
    failed_gates: list[str]
    reasons: list[str]
    champion: ChampionSummary | None
    versions: Versions
    seconds: dict[str, float]
    peak_memory_mb: float
    currency: NotRequired[str]
