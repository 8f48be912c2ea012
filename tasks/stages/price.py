"""Task: build the market from forecast and response, train the agent, play it against the baselines."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import (
    CATEGORY,
    DATE,
    DAYS_A_WEEK,
    ELASTICITY,
    IDENTIFIED,
    LIST_PRICE,
    MEAN,
    PERIOD_DAYS,
    PRICE,
    PRODUCT,
    SERIES,
    STOCK,
    UNIT_COST,
    UNITS,
)
from tasks.pricing import policies
from tasks.pricing.greedy import Greedy
from tasks.pricing.known_cost import cost_notes, with_costs
from tasks.pricing.market import Policy, Products, Rules
from tasks.pricing.recommend import products_of
from tasks.pricing.seasons import Played, movable, play
from tasks.runtime.artifacts import (
    Artifact,
    load_arrays,
    load_json,
    load_table,
    save_arrays,
    save_json,
    save_table,
)
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Interval, Priced, Responded
from tasks.runtime.seeds import seed_of
from tasks.runtime.track import StageRun

log = logging.getLogger("repricer")

LEAST_UNITS = 0.05  # units/week that a product of the market sells at least
USED = 0.001  # share of decisions from which a step of the ladder counts as used


@resumable(name="price")
def price(
    attempt: Attempt, settings: Settings, sales: Artifact, outlook: Artifact, responded: Responded
) -> Priced:
    """Train a Double DQN in the fitted market and compare it with the baselines on luck that it never met."""
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "price") as run:
        table = market_of(
            load_table(sales), load_table(outlook), load_table(responded["elasticities"]), settings
        )
        objective = objective_of(table, settings)
        for note in cost_notes(table, objective):
            log.warning(note.removeprefix("note: "))
        rules = rules_of(settings, responded, objective)
        products = products_of(table)
        weights, records = _trained(products, rules, settings)
        played = _played(products, rules, Greedy(weights), settings)
        priced = _saved(attempt, settings, table, rules, weights, records, played)
        _track(run, settings, products, rules, Greedy(weights), records, played, priced)
        _explained(attempt, run, settings, products, rules, Greedy(weights))
    return priced


def market_of(
    sales: pd.DataFrame, outlook: pd.DataFrame, elasticities: pd.DataFrame, settings: Settings
) -> pd.DataFrame:
    """Return one row per product and store that is still sold: price in force, cost, expected units and how they answer price.

    The cost is the last one that is known, whatever it is; one older than the weeks of ``price.active_weeks`` is marked as stale.
    """
    since = sales[DATE].max() - pd.Timedelta(weeks=settings.price.active_weeks)
    recent = sales[sales[DATE] > since].sort_values(DATE)
    sold = recent[recent[UNITS] > 0][SERIES].drop_duplicates()
    optional = {LIST_PRICE: "last"} if LIST_PRICE in sales else {}
    last = recent.groupby(SERIES, as_index=False).agg({PRICE: "last", CATEGORY: "last", **optional})
    weekly = (
        outlook.groupby(SERIES)[MEAN]
        .mean()
        .mul(DAYS_A_WEEK / PERIOD_DAYS[settings.source.period])
        .rename(UNITS)
        .reset_index()
    )
    response = elasticities[[PRODUCT, ELASTICITY, "standard_error", IDENTIFIED, "dispersion"]]
    table = last.merge(sold, on=SERIES).merge(weekly, on=SERIES).merge(response, on=PRODUCT)
    table[UNITS] = table[UNITS].clip(lower=LEAST_UNITS)
    table[LIST_PRICE] = table[LIST_PRICE].fillna(table[PRICE]) if LIST_PRICE in table else table[PRICE]
    table = with_costs(table, sales, since)
    if STOCK in sales:
        table = table.merge(_stocked(recent), on=SERIES, how="left")
        table["stock"] = table["stock"].fillna(np.inf)
        table["arrivals"] = table["arrivals"].fillna(0.0)
    gone = sales[SERIES].drop_duplicates().shape[0] - len(table)
    log.info(
        "market: %d products in stores, %d of them identified; %d no longer sold",
        len(table),
        table[IDENTIFIED].sum(),
        gone,
    )
    return table.sort_values(SERIES, ignore_index=True)


def _stocked(recent: pd.DataFrame) -> pd.DataFrame:
    """Return the stock after the last period, and what arrived per week: stock that is there and was not there after the sales before."""
    after = recent[STOCK] - recent[UNITS]
    came = (recent[STOCK] - after.groupby([recent[name] for name in SERIES]).shift(1)).clip(lower=0.0)
    weeks = max(1.0, (recent[DATE].max() - recent[DATE].min()).days / DAYS_A_WEEK)
    told = recent[SERIES].assign(stock=after.clip(lower=0.0), arrivals=came.fillna(0.0) / weeks)
    return told.groupby(SERIES, as_index=False).agg({"stock": "last", "arrivals": "sum"})


def rules_of(settings: Settings, responded: Responded, objective: str) -> Rules:
    """Return the rules of the market; the ladder always holds the price in force."""
    told = settings.price
    ladder = np.union1d(np.linspace(told.ladder_low, told.ladder_high, told.ladder_steps).round(6), [1.0])
    reference, cross, reaction = (
        responded[name]["estimate"] for name in ("reference_effect", "rival_cross", "rival_reaction")
    )  # type: ignore[literal-required]
    memory, assumed = settings.respond.reference_memory, (told.markup, told.stated_margin)
    return Rules(
        ladder, told.decisions, told.discount, memory, reference, objective, *assumed, cross, reaction
    )


def rules_at(artifact: Artifact) -> Rules:
    """Read rules that were written."""
    told = load_json(artifact)
    return Rules(**{**told, "ladder": np.asarray(told["ladder"])})


def policy_at(artifact: Artifact) -> Greedy:
    """Read the weights of a policy."""
    return Greedy(load_arrays(artifact))


def interval(values: np.ndarray, confidence: float) -> Interval:
    """Return the mean of independent draws with its t-interval."""
    from scipy import stats

    half = float(
        stats.t.ppf(0.5 + confidence / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    )
    mean = float(values.mean())
    return Interval(value=mean, low=mean - half, high=mean + half)


def gain(over: Played, played: Played, confidence: float) -> Interval:
    """Return the relative gain of one policy over another that met the same luck, with the interval of the paired draws."""
    base, own = (p.rewards.mean(axis=(1, 2)) for p in (over, played))
    return interval((own - base) / base.mean(), confidence)


def gains_of(own: Played, others: Mapping[str, Played], confidence: float) -> dict[str, Interval]:
    """Return the gain over each policy that a candidate must beat."""
    return {f"over_{name}": gain(others[name], own, confidence) for name in ("hold", "best_fixed", "myopic")}


def distinct_prices(own: Played, in_force: np.ndarray, rules: Rules) -> int:
    """Return how many steps of the ladder a policy uses.

    Args:
        in_force: price in force of every product (currency/unit).
    """
    ratios = own.prices / in_force[:, None]
    return sum(float(np.isclose(ratios, step).mean()) >= USED for step in rules.ladder)


def objective_of(table: pd.DataFrame, settings: Settings) -> str:
    """Return what the policy earns: by ``auto``, profit where enough products of the market have a cost, trusted or not."""
    if settings.price.objective != "auto":
        return settings.price.objective
    return "profit" if table[UNIT_COST].notna().mean() >= settings.price.cost_share else "revenue"


def _trained(
    products: Products, rules: Rules, settings: Settings
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return the best weights and the record of the training."""
    from tasks.pricing import dqn
    from tasks.pricing.environment import MarketEnv

    plan = dqn.Plan(**settings.price.dqn.model_dump())
    moving, luck = movable(products, rules), seed_of(settings.seed, "price.choose")

    def judge(weights: Mapping[str, np.ndarray]) -> float:
        return float(play(moving, rules, Greedy(weights), plan.evaluation_draws, luck).rewards.mean())

    rows, best = [], None
    for record in dqn.train(
        MarketEnv(moving, rules, plan.environments), judge, plan, seed_of(settings.seed, "price.train")
    ):
        best = record if record.best or best is None else best
        rows.append({name: value for name, value in asdict(record).items() if name != "weights"})
        log.info(
            "dqn: %d steps, loss %.4f, value %.4f%s",
            record.step,
            record.loss,
            record.value,
            ", best" if record.best else "",
        )
    assert best is not None
    return best.weights, pd.DataFrame(rows)


def _played(products: Products, rules: Rules, policy: Greedy, settings: Settings) -> dict[str, Played]:
    """Play every policy on the same luck, none of which was met in training."""
    random = policies.Random(np.random.default_rng(seed_of(settings.seed, "price.random")))
    plain: dict[str, Policy] = {
        "hold": policies.hold,
        "cost_plus": policies.cost_plus,
        "myopic": policies.myopic,
    }
    every: dict[str, Policy] = {"dqn": policy, **plain, "random": random}
    every["best_fixed"] = policies.best_fixed(
        products, rules, settings.price.seasons, seed_of(settings.seed, "price.fix")
    )
    seed = seed_of(settings.seed, "price.judge")
    return {name: play(products, rules, each, settings.price.seasons, seed) for name, each in every.items()}


def _saved(
    attempt: Attempt,
    settings: Settings,
    table: pd.DataFrame,
    rules: Rules,
    weights: dict[str, np.ndarray],
    records: pd.DataFrame,
    played: dict[str, Played],
) -> Priced:
    confidence = settings.price.confidence
    market = save_table(table, attempt.path("price", "market.parquet"))
    return Priced(
        market=market,
        objective=rules.objective,
        learning=save_table(records, attempt.path("price", "learning.parquet")),
        policy={
            name: interval(p.rewards.mean(axis=(1, 2)), confidence)
            for name, p in played.items()
            if name != "best_fixed"
        },
        gains=gains_of(played["dqn"], played, confidence),
        distinct_prices=distinct_prices(played["dqn"], table[PRICE].to_numpy(), rules),
        model_files={
            "policy_market": market,
            "policy_rules": save_json(
                {**asdict(rules), "ladder": rules.ladder.tolist()}, attempt.path("price", "policy_rules.json")
            ),
            "policy_weights": save_arrays(weights, attempt.path("price", "policy_weights.npz")),
        },
    )


def _explained(
    attempt: Attempt, run: StageRun, settings: Settings, products: Products, rules: Rules, policy: Greedy
) -> None:
    """Keep a small tree that decides as the policy does, with the share of decisions in which it does."""
    from tasks.pricing.explain import mimic

    told = mimic(movable(products, rules), rules, policy, seed_of(settings.seed, "price.mimic"))
    run.metrics({"mimic_fidelity": told.fidelity})
    run.file(save_json(told._asdict(), attempt.path("price", "policy_mimic.json")))


def _track(
    run: StageRun,
    settings: Settings,
    products: Products,
    rules: Rules,
    policy: Greedy,
    records: pd.DataFrame,
    played: dict[str, Played],
    priced: Priced,
) -> None:
    from tasks.pricing import figures

    moving = np.flatnonzero(rules.moves(products))
    shown = moving if moving.size else np.arange(len(products))
    baselines = {
        name: float(played[name].rewards[:, shown].mean())
        for name in ("myopic", "hold", "cost_plus", "random")
    }
    known = int((~np.isnan(products.unit_cost)).sum())
    costs = f"a cost is known of {known} of {len(products)} products" if known else "no cost is known"
    note = f"revenue: {costs}" if rules.objective == "revenue" else "profit: price less unit cost"
    assumed = (
        f"; cost-plus assumes a margin of {settings.price.stated_margin:.0%}"
        if np.isnan(products.unit_cost).any()
        else ""
    )
    run.params({"objective": rules.objective, "products_moving": moving.size})
    run.metrics({f"value.{name}": told["value"] for name, told in priced["policy"].items()})
    run.metrics(
        {f"gain.{name}": told["value"] for name, told in priced["gains"].items()}
        | {"distinct_prices": priced["distinct_prices"]}
    )
    for name in ("loss", "mean_q", "value"):
        run.curve(f"dqn.{name}", records[name].tolist())
    run.figure(figures.learning(records, baselines, rules.objective), "policy_learning.png")
    run.figure(figures.values(priced["policy"], rules.objective, note + assumed), "policy_values.png")
    run.figure(figures.policy_map(policy, movable(products, rules), rules), "policy_map.png")
    run.figure(
        figures.prices(played["dqn"].prices[:, shown] / products.price[shown, None], rules),
        "policy_prices.png",
    )
    for name, told in priced["gains"].items():
        log.info(
            "policy: %s %+.3f %% (%+.3f to %+.3f)",
            name.replace("_", " "),
            *(100 * told[k] for k in ("value", "low", "high")),
        )  # type: ignore[literal-required]
