"""The typed result of every stage: JSON that Prefect keeps and resumes from, and that registration, summary and printers read.

Files are artifacts (a path with the hash of its bytes); everything else is a name, a number or a list of them.
"""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from tasks.runtime.artifacts import Artifact


class Prepared(TypedDict):
    """What ``prepare`` leaves behind; rows are counted before the table is cut to the products that are modelled."""

    sales: Artifact
    quarantine: Artifact
    features: Artifact
    selection: Artifact
    report: Artifact
    data_hash: str
    rows_in: int
    rows_accepted: int
    rows_quarantined: int


class Member(TypedDict):
    """A fitted member of the blend: its forecasts from every origin, what serves it, and the series it leaves out."""

    forecasts: Artifact
    served: Artifact
    params: dict[str, float]
    dropped: dict[str, str]


class Scores(TypedDict):
    """Scores of one forecaster on held-out periods; MAPE is none where no target is large enough."""

    wape: float
    mase: float
    bias: float
    pinball: float
    coverage_80: float
    mape: float | None


Forecasted = TypedDict(
    "Forecasted",
    {
        "scores": dict[str, Scores],
        "lambda": float,
        "held_out": Artifact,
        "folds": Artifact,
        "curve": Artifact,
        "outlook": Artifact,
        "explained": Artifact,
        "model_files": dict[str, Artifact],
    },
)
"""Scores on the held-out periods by model, the global weight of ARIMA, and tables: forecasts of both kinds of folds
and of the future, and why the latter are what they are."""


class Effect(TypedDict):
    """A coefficient that all products share, with its interval; never below 0."""

    estimate: float
    low: float
    high: float


class Responded(TypedDict):
    """Elasticity table, what all products share, how many products are identified, and what serves them.

    ``reference_memory`` is the weight of the past in the price that buyers remember (1/week). ``groups`` are the
    two slopes of every substitute group, ``group_products`` its products at the prices in force, ``group_draws``
    the posterior draws; ``groups_refused`` says why they are not identified, and is empty where they are.
    """

    elasticities: Artifact
    reference_memory: float
    reference_effect: Effect
    rival_cross: Effect
    rival_reaction: Effect
    identified: int
    not_identified: int
    median_elasticity: float | None
    median_width: float | None
    groups: Artifact
    group_products: Artifact
    group_draws: Artifact
    groups_refused: str
    model_files: dict[str, Artifact]


class Interval(TypedDict):
    """A mean over market draws, with its interval."""

    value: float
    low: float
    high: float


class Priced(TypedDict):
    """The market, the training, and what each policy earns per product-week in that market (currency)."""

    market: Artifact
    objective: str
    learning: Artifact
    policy: dict[str, Interval]
    gains: dict[str, Interval]
    distinct_prices: int
    model_files: dict[str, Artifact]


class ListClaim(TypedDict):
    """The policy's price list against the prices in force: prices that rise, fall, hold and stand at an end of the
    ladder, and the relative change of the objective in a week; ``refusal`` says why it is not identified.
    """

    objective: str
    up: int
    down: int
    held: int
    at_ends: int
    lift: float | None
    low: float | None
    high: float | None
    refusal: str


class Claimed(TypedDict):
    """The list that the policy recommends at the prices in force, and what it changes in a week."""

    prices: Artifact
    list: ListClaim
    file: Artifact


class Candidate(TypedDict):
    """The results that are held to the gates, by stage."""

    forecast: Forecasted
    respond: Responded
    price: Priced
    claim: Claimed


class Trial(TypedDict):
    """The simulated trial; the lift is none while the sample-ratio check alarms.

    ``aa_found`` is the share of ``aa_trials`` of the price in force against itself that report an effect:
    1 - confidence, if all is right.
    """

    lift: float | None
    low: float | None
    high: float | None
    srm_p: float
    treated_clusters: int
    control_clusters: int
    markets: int
    theta: float
    aa_found: float
    aa_trials: int


class GateOutcome(TypedDict):
    """One gate: what was measured, the threshold, and whether it passed."""

    name: str
    passed: bool
    value: float | None
    threshold: float
    sentence: str


class Evaluated(TypedDict):
    """The trial, the off-policy value where prices were drawn at random, the gates, and the verdict with its reasons.

    ``list`` is the claim of the policy's own price list.
    """

    trial: Trial
    list: ListClaim
    off_policy: dict[str, Any] | None
    verdict: str
    reasons: list[str]
    gates: list[GateOutcome]


class Versions(TypedDict):
    """Version number of each registered model."""

    demand: int
    price_response: int
    pricing_policy: int


class Stages(TypedDict):
    """The results of a retraining before its registration, by stage."""

    prepare: Prepared
    forecast: Forecasted
    respond: Responded
    price: Priced
    evaluate: Evaluated
