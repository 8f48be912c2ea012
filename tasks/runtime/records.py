"""The typed result of every stage, and of a whole retraining.

They are JSON: Prefect keeps them and resumes from them; registration, summary and printers read them. Files
are artifacts (a path with the hash of its bytes); everything else is a name, a number or a list of them.
"""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from tasks.runtime.artifacts import Artifact


class Prepared(TypedDict):
    """What ``prepare`` leaves behind; rows are counted before the table is cut to the modelled products.

    ``notes`` are sentences about the source for the summary.
    """

    sales: Artifact
    quarantine: Artifact
    features: Artifact
    selection: Artifact
    report: Artifact
    data_hash: str
    rows_in: int
    rows_accepted: int
    rows_quarantined: int
    notes: list[str]


class Member(TypedDict):
    """A fitted member of the blend: its forecasts from every origin, what serves it, its parameters.

    ``dropped`` holds the reason why a series was left out, by series.
    """

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


class Coverage(TypedDict):
    """Randomised coverage of the blend's 80 % interval (share of held-out periods).

    ``low`` and ``high`` are its 95 % sampling interval; ``periods`` are the periods of all series together.
    """

    value: float
    low: float
    high: float
    periods: int


Forecasted = TypedDict(
    "Forecasted",
    {
        "scores": dict[str, Scores],
        "coverage": dict[str, Coverage],
        "lambda": float,
        "held_out": Artifact,
        "folds": Artifact,
        "curve": Artifact,
        "outlook": Artifact,
        "explained": Artifact,
        "model_files": dict[str, Artifact],
    },
)
"""Scores on the held-out periods by model, the global weight of ARIMA, and tables.

``coverage`` is that of ``all`` series, of ``slow`` movers and of the ``rest``; a class without series is
left out. The tables hold forecasts of both kinds of folds and of the future, and why the latter are what
they are.
"""


class Effect(TypedDict):
    """A coefficient that all products share, with its interval; never below 0."""

    estimate: float
    low: float
    high: float


class PredictiveCheck(TypedDict):
    """How well slopes of the first weeks foresee the revenue of groups in the rest: 1 where they are right.

    ``status`` is passed, failed or untested; the slope is none where there was nothing to test.
    """

    slope: float | None
    low: float | None
    high: float | None
    groups: int
    weeks: int
    status: str
    sentence: str


class Responded(TypedDict):
    """Elasticity table, what all products share, how many products are identified, and what serves them.

    ``reference_memory`` is the weight of the past in the price that buyers remember (1/week). ``groups`` are
    the two slopes of every substitute group, ``group_products`` its products at the prices in force,
    ``group_draws`` the posterior draws; ``groups_refused`` says why they are not identified, and is empty
    where they are. ``influence`` names the week that moved the estimate of every product most.
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
    group_links: Artifact
    group_products: Artifact
    group_draws: Artifact
    groups_refused: str
    influence: Artifact
    predictive_check: PredictiveCheck
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


class CategoryClaim(TypedDict):
    """What a price list does to a category: prices that move, and what it earns more (currency/week)."""

    category: str
    up: int
    down: int
    held: int
    mean_change: float
    gain: float | None


class ListClaim(TypedDict):
    """The policy's price list against the prices in force, as ``tasks.pricing.list_claim`` describes it.

    How many costs are assumed and at which margins, how many prices rise, fall, hold and take the largest
    step (and their share), the change of the price index, and the change of the objective in a week, relative
    (``lift``) and in currency (``gain``), all together and by category; ``refusal`` says why it is not
    identified.
    """

    objective: str
    assumed: int
    assumed_margins: list[float] | None
    up: int
    down: int
    held: int
    at_ends: int
    at_ends_share: float
    index: float
    lift: float | None
    low: float | None
    high: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    categories: list[CategoryClaim]
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

    ``low`` and ``high`` hold the doubt about slopes and curve, ``luck_low`` and ``luck_high`` the luck of the
    draws alone.

    ``aa_found`` is the share of ``aa_trials`` of the price in force against itself that report an effect:
    1 - confidence, if all is right.
    """

    lift: float | None
    low: float | None
    high: float | None
    luck_low: float | None
    luck_high: float | None
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
    sign: str
    margin: float | None
    untested: bool


class Evaluated(TypedDict):
    """The trial, the gates, and the verdict with its reasons.

    ``list`` is the claim of the policy's own price list; ``off_policy`` is the value on logged decisions,
    none where no prices were drawn at random.
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


class Holder(TypedDict):
    """The process that holds a data folder, and since when (local time); none while it is not known."""

    process: int | None
    since: str | None


class AlreadyRunningResult(TypedDict):
    """What ``repricer retrain --json`` writes where another retraining holds the data folder."""

    already_running: Holder
