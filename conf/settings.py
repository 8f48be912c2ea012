"""Typed settings of a retraining: one frozen object for the code, the Prefect form and the MLflow parameters.

Values live in ``base.yaml``; a profile says only what differs; ``--set`` and the Prefect form say the rest.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from conf.layers import layered, section


class Section(BaseModel):
    """A frozen group of settings that refuses a name it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Source(Section):
    """Where the sales table comes from, and how its columns are called there."""

    kind: Literal["completejourney", "file", "sql"]
    """`completejourney` (embedded), `file` (CSV or Parquet, one or a folder) or `sql` (a query)."""
    path: str | None
    """File or folder that `file` reads; none for the other kinds."""
    query: str | None
    """Query that `sql` sends, as it stands; none for the other kinds."""
    url_variable: str
    """Name of the environment variable that holds the SQLAlchemy URL of `sql`."""
    columns: dict[str, str]
    """Name of a column in the sales table -> its name in the source, where they differ."""
    period: Literal["D", "W"]
    """Length of a period: `D`, one day; `W`, seven days."""
    by_store: bool
    """Keep stores apart (`completejourney` only); otherwise every store is summed into `all`."""
    products: int = Field(ge=1)
    """At most this many products, those sold in the most periods first (products)."""
    time_zone: str | None
    """IANA zone in which naive time stamps of the source are local; none: refuse time stamps with a time of day."""


class Features(Section):
    """Which features are built and which are dropped again."""

    lags: tuple[int, ...]
    """Lags of log units (periods)."""
    windows: tuple[int, ...]
    """Lengths of the rolling means of log units and of prices (periods)."""
    rivals: int = Field(ge=0)
    """Where the shop sells at most so many products, price and promotions of each are features of every series in its store (products)."""
    redundant_above: float = Field(gt=0, le=1)
    """Drop a feature whose absolute correlation with a kept one is above this (1)."""
    noise_columns: int = Field(ge=1)
    """Number of pure-noise columns that a feature must outdo to be kept (columns)."""


class Prepare(Section):
    """The contract of the sales table, and the features."""

    quarantine_share: float = Field(ge=0, lt=1)
    """Refuse the run when more than this share of the rows is set aside (share of rows)."""
    future_hours: float = Field(ge=0)
    """Refuse rows dated later than now by more than this (hours)."""
    level_shift: float = Field(gt=1)
    """Set a row aside when its price differs from the product's median by more than this factor (ratio)."""
    spike: float = Field(gt=1)
    """Set a row aside when its units exceed the product's 99th percentile by more than this factor (ratio)."""
    features: Features


class Arima(Section):
    """The regressions with ARIMA errors: where the search for orders, shrinkage and regressors begins, and its budget."""

    p: int = Field(ge=0)
    """Autoregressive order (periods)."""
    d: int = Field(ge=0, le=1)
    """Order of differencing (times)."""
    q: int = Field(ge=0)
    """Moving-average order (periods)."""
    shrinkage: float = Field(gt=0)
    """Pull of a series' slopes towards its product's, as if from this many more periods (periods)."""
    product_shrinkage: float = Field(ge=0)
    """Pull of a product's slopes towards those of all, where it has several series (periods)."""
    shock: float = Field(ge=0)
    """Variance of what surprises all stores of a product at once, over that of one series' surprises (ratio); 0: stores are independent."""
    rivals: bool
    """Whether price and promotions of each other product are regressors, where `prepare.features.rivals` makes them."""
    promoted_price: bool
    """Whether promotions times price are regressors, where a product has several series."""
    trials: int = Field(ge=0)
    """Optuna trials that come to an end; 0 keeps the values above (trials)."""
    sample: int = Field(ge=1)
    """Series on which a trial is scored (series)."""
    max_p: int = Field(ge=0)
    """Largest autoregressive order (periods)."""
    max_q: int = Field(ge=0)
    """Largest moving-average order (periods)."""


class Lstm(Section):
    """The global recurrent network: defaults of what is tuned, and the budget."""

    cell: Literal["lstm", "gru"]
    """Recurrent layer."""
    members: int = Field(ge=1)
    """Networks that differ by their seed and are averaged (networks)."""
    units: int = Field(ge=1)
    """Width of the recurrent layers and of the head's hidden layer (units)."""
    window: int = Field(ge=2)
    """Periods of history that the encoder reads (periods)."""
    embedding: int = Field(ge=1)
    """Width of the embedding of a product (dimensions)."""
    dropout: float = Field(ge=0, lt=1)
    """Share of the head's inputs that is dropped in training (share)."""
    rival_dropout: float = Field(ge=0, lt=1)
    """Share of the inputs about rivals that is dropped in training (share)."""
    learning_rate: float = Field(gt=0)
    """First step size of Adam, falling to zero (1)."""
    weight_decay: float = Field(ge=0)
    """Share of the weights that a unit of step size takes away (1)."""
    averaging: float = Field(ge=0, lt=1)
    """Weight of the past in the moving average of the weights that forecasts, per gradient step (1)."""
    batch: int = Field(ge=1)
    """Windows in a gradient step (windows)."""
    steps: int = Field(ge=1)
    """Gradient steps in an epoch (steps)."""
    epochs: int = Field(ge=1)
    """Epochs of the first fold; later folds start warm and take a third (epochs)."""
    trials: int = Field(ge=0)
    """Optuna trials that come to an end, complete or pruned; 0 keeps the values above (trials)."""
    trial_epochs: int = Field(ge=1)
    """Epochs of a trial, pruned at the median (epochs)."""


class Blend(Section):
    """The weight of ARIMA in the blend."""

    grid: int = Field(ge=2)
    """Number of weights tried between 0 and 1 (weights)."""
    shrinkage: float = Field(ge=0)
    """Pull of a category's weight towards the global one, as if from this many more forecasts (forecasts)."""


class Forecast(Section):
    """How far, how often and by what demand is forecast."""

    horizon: int = Field(ge=1)
    """Periods forecast from one origin (periods)."""
    gap: int = Field(ge=0)
    """Periods between the last known sales and the first target (periods)."""
    folds: int = Field(ge=1)
    """Rolling origins on which the blend is fitted (origins)."""
    holdout_origins: int = Field(ge=1)
    """Rolling origins after them that are only reported (origins)."""
    errors: Literal["units", "logs"]
    """Errors that count in training, search and blend: `units`, absolute (WAPE); `logs`, relative (MAPE)."""
    mape_units: float = Field(ge=0)
    """MAPE is taken over targets of at least this many units (units/period)."""
    arima: Arima
    lstm: Lstm
    blend: Blend


class Respond(Section):
    """When an own-price elasticity counts as identified."""

    confidence: float = Field(gt=0.5, lt=1)
    """Probability of the interval (1)."""
    min_prices: int = Field(ge=2)
    """Least number of distinct prices (prices)."""
    min_price_variation: float = Field(gt=0)
    """Least standard deviation of log prices within a product (log currency/unit)."""
    min_periods: int = Field(ge=3)
    """Least number of weeks with sales (weeks)."""
    max_width: float = Field(gt=0)
    """Widest interval that still identifies (elasticity)."""
    reference_memory: float = Field(ge=0, lt=1)
    """Weight of the past in the price that buyers remember (1/week)."""


class Dqn(Section):
    """The Double DQN (van Hasselt et al. 2016)."""

    hidden: tuple[int, ...]
    """Widths of the hidden layers (units)."""
    environments: int = Field(ge=1)
    """Product environments stepped at once (environments)."""
    environment_steps: int = Field(ge=1)
    """Steps of all environments together (steps)."""
    replay: int = Field(ge=1)
    """Transitions kept (transitions)."""
    batch: int = Field(ge=1)
    """Transitions in a gradient step (transitions)."""
    learning_rate: float = Field(gt=0)
    """First step size of Adam, decayed to zero (1)."""
    target_averaging: float = Field(gt=0, le=1)
    """Weight of the online network in the slowly averaged target, per gradient step (1)."""
    exploration: float = Field(ge=0, le=1)
    """Last probability of a random action (1)."""
    gradient_steps: int = Field(ge=1)
    """Gradient steps per week of the market (steps)."""
    n_step: int = Field(ge=1)
    """Weeks of rewards before bootstrapping (weeks)."""
    evaluations: int = Field(ge=1)
    """Times that the network is judged; the best one is kept (times)."""
    evaluation_draws: int = Field(ge=1)
    """Seasons of every product in such a judgement (seasons)."""


class Variation(Section):
    """Small random variation of a price list, so that the next estimate has an instrument and the log has propensities."""

    share: float = Field(ge=0, le=0.5)
    """Probability that a price is moved; 0: the list as planned (probability)."""
    size: float = Field(gt=0, le=0.1)
    """How far up or down (share of the planned price)."""


class Price(Section):
    """The market, its ladder, the agent and its price list."""

    objective: Literal["auto", "revenue", "profit"]
    """`auto`: profit where enough products have a cost, else revenue; no known cost is undercut by either."""
    cost_share: float = Field(gt=0, le=1)
    """Least share of the products with a known cost for which `auto` takes profit; those without one then hold (share)."""
    active_weeks: int = Field(ge=1)
    """A product is in the market if it sold in so many last weeks; a cost older than that is stale, and its price holds (weeks)."""
    ladder_low: float = Field(gt=0)
    """Lowest step of the ladder, relative to the price in force (ratio)."""
    ladder_high: float = Field(gt=0)
    """Highest step of the ladder, relative to the price in force (ratio)."""
    ladder_steps: int = Field(ge=2)
    """Steps of the ladder (steps)."""
    decisions: int = Field(ge=2)
    """Price decisions in an episode, one a week (weeks)."""
    discount: float = Field(gt=0, le=1)
    """Worth of a unit of reward one week later (1/week)."""
    markup: float = Field(ge=0)
    """Mark-up on cost of the cost-plus baseline (share of cost)."""
    stated_margin: float = Field(gt=0, lt=1)
    """Margin that cost-plus assumes where no cost is known (share of the list price)."""
    confidence: float = Field(gt=0.5, lt=1)
    """Probability of the intervals of what policies earn (1)."""
    seasons: int = Field(ge=2)
    """Seasons of every product on which the policies are compared, none met in training (seasons)."""
    decimals: int = Field(ge=0, le=4)
    """Decimals of a price in the list (decimals)."""
    variation: Variation
    dqn: Dqn


class Evaluate(Section):
    """The simulated trial and the gates of a candidate."""

    markets: int = Field(ge=2)
    """Market draws of the trial, none of them used for training (markets)."""
    confidence: float = Field(gt=0.5, lt=1)
    """Probability of the intervals (1)."""
    treated_share: float = Field(gt=0, lt=1)
    """Probability that a cluster is priced by the policy (share)."""
    srm_alarm: float = Field(gt=0, lt=1)
    """Least p of the sample-ratio check; below it no lift is shown (probability)."""
    max_wape_ratio: float = Field(gt=0)
    """Gate: WAPE of the blend over that of seasonal naive is below this (ratio)."""
    min_identified: float = Field(ge=0, le=1)
    """Gate: at least this share of the products has an identified elasticity (share of products)."""
    max_median_elasticity: float
    """Gate: the median of the identified elasticities is below this (elasticity)."""
    max_median_width: float = Field(gt=0)
    """Gate: the median width of their intervals is below this (elasticity)."""
    min_lift: float
    """Gate: the lower ends of the lifts over hold and over myopic are above this (share)."""
    min_distinct_prices: int = Field(ge=1)
    """Gate: the policy uses at least this many steps of the ladder (steps)."""


class Track(Section):
    """Where runs and models are kept."""

    uri: str | None
    """MLflow tracking and registry URI; none: SQLite in the data folder."""
    experiment: str
    """MLflow experiment of the retrainings."""


class Schedule(Section):
    """When `repricer serve` retrains."""

    cron: str
    """Minute, hour, day, month and weekday."""
    time_zone: str
    """IANA zone of the cron expression."""


class Settings(Section):
    """Everything that a retraining may be told.

    ``Settings(profile="smoke", forecast={"lstm": {"units": 32}})`` lays the given values over the profile,
    and the profile over ``base.yaml``.
    """

    profile: str = "default"
    """Name of the profile in `conf/profiles` that is laid over `base.yaml`."""
    seed: int = Field(ge=0, default_factory=section("seed"))
    """Root of every random draw (1)."""
    data_folder: str = Field(default_factory=section("data_folder"))
    """Folder of all state: tables, models, databases."""
    source: Source = Field(default_factory=section("source"))
    prepare: Prepare = Field(default_factory=section("prepare"))
    forecast: Forecast = Field(default_factory=section("forecast"))
    respond: Respond = Field(default_factory=section("respond"))
    price: Price = Field(default_factory=section("price"))
    evaluate: Evaluate = Field(default_factory=section("evaluate"))
    track: Track = Field(default_factory=section("track"))
    schedule: Schedule = Field(default_factory=section("schedule"))

    @model_validator(mode="before")
    @classmethod
    def _lay_over_profile(cls, given: Any) -> Any:
        return layered(given) if isinstance(given, dict) else given

    def flat(self) -> dict[str, str]:
        """Return dotted names and their values as text, as MLflow keeps parameters."""
        return dict(_flatten(self.model_dump(mode="json"), ""))


def _flatten(tree: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            pairs += _flatten(value, f"{prefix}{name}.")
        else:
            pairs.append((f"{prefix}{name}", str(value)))
    return pairs
