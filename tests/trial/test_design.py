"""Designs: one price per item, time and place; the truth is covered among substitutes; planned power."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from tasks.bench.cases.substitute_shop import SubstituteShop, substitute_shop
from tasks.operations.experiment_analyze import analysis_of
from tasks.operations.experiment_design import design
from tasks.trial import planning
from tasks.trial.design_request import DesignRequest
from tasks.trial.errors import TrialError
from tasks.trial.randomisation import Scheme, stratified, switched
from tasks.trial.results import as_json
from tasks.trial.substitutes import cross_elasticities, groups_of

CUT = 0.9
pytestmark = pytest.mark.usefixtures("few_draws")


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan with fewer simulated trials than the product does."""
    for name, draws in (("DRAWS", 100), ("SCREEN", 50)):
        monkeypatch.setattr(planning, name, draws)


HISTORY = pd.date_range("2025-01-06", periods=104 * 7, unit="us")


@pytest.fixture(scope="module")
def shop() -> SubstituteShop:
    return substitute_shop(np.random.default_rng(1), groups=16, size=3)


@pytest.fixture(scope="module")
def history(shop: SubstituteShop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(2)
    weekly = 0.2 * rng.integers(-1, 2, (104, len(shop.group)))
    path = tmp_path_factory.mktemp("shop") / "history.parquet"
    shop.sales(np.exp(weekly.repeat(7, axis=0)), HISTORY, rng).to_parquet(path)
    return path


def designed(history: Path, folder: Path, **request: Any) -> dict[str, Any]:
    return design.fn(str(history), DesignRequest(**request), str(folder), Settings())


def trial_of(
    shop: SubstituteShop, folder: Path, plan: dict[str, Any], seed: int, until: str | None = None
) -> Path:
    """Return the sales of the trial as the assignment priced it: treated items cost a tenth less."""
    dates = pd.date_range(plan["starts"], until or plan["ends"], unit="us")
    table = pd.read_csv(folder / "assignment.csv", dtype=str)
    if "date" in table:
        treated = (
            table.pivot_table(index="date", columns="product_id", values="arm", aggfunc="first") == "B"
        ).to_numpy()[: len(dates)]
    else:
        treated = np.tile((table.sort_values("product_id")["arm"] == "B").to_numpy(), (len(dates), 1))
    path = folder / "sales.parquet"
    shop.sales(np.where(treated, CUT, 1.0), dates, np.random.default_rng(seed)).to_parquet(path)
    return path


def analysed(data: Path, folder: Path) -> dict[str, Any]:
    return as_json(analysis_of(data, folder / "trial.yaml", Settings()))


def test_cross_elasticities_recover_the_substitute_groups(shop: SubstituteShop) -> None:
    rng = np.random.default_rng(3)
    ratio = np.exp(0.2 * rng.normal(size=(150, len(shop.group))))
    units, price = rng.poisson(50 * shop.mean(ratio))[None].astype(float), (shop.price * ratio)[None]
    siblings = (shop.group[:, None] == shop.group) & ~np.eye(len(shop.group), dtype=bool)
    assert cross_elasticities(units, price)[0][siblings].mean() == pytest.approx(0.5, abs=0.05)
    groups = groups_of(units, price)
    assert groups.group.tolist() == shop.group.tolist()


def test_a_history_that_cannot_show_substitutes_is_refused(shop: SubstituteShop) -> None:
    rng = np.random.default_rng(4)
    ratio = np.exp(0.01 * rng.normal(size=(20, len(shop.group))))
    with pytest.raises(TrialError, match="able to show substitutes"):
        groups_of(rng.poisson(shop.mean(ratio))[None].astype(float), (shop.price * ratio)[None])


def test_the_cluster_design_covers_the_truth_where_items_steal(
    shop: SubstituteShop, history: Path, tmp_path: Path
) -> None:
    truth, covered = shop.lift(CUT), []
    plan = designed(history, tmp_path, effect=0.1)
    assert sorted(plan["groups"].values()) == [[f"p{3 * g + i:03d}" for i in range(3)] for g in range(16)]
    for seed in range(20):
        effect = analysed(trial_of(shop, tmp_path, plan, seed), tmp_path)["metrics"]["revenue"][
            "cuped_relative"
        ]
        covered.append(effect["low"] <= truth <= effect["high"])
        assert abs(effect["difference"] - truth) < 0.1
    assert sum(covered) >= 17


def test_items_among_substitutes_are_refused_with_the_reason(history: Path, tmp_path: Path) -> None:
    with pytest.raises(TrialError, match=r"group 1 holds p000, p001, p002 \(16 such groups\).*counted twice"):
        designed(history, tmp_path, unit="item")


@pytest.mark.parametrize("unit", ["cluster", "time"])
def test_no_item_has_two_prices_at_one_time(history: Path, tmp_path: Path, unit: str) -> None:
    plan = designed(history, tmp_path, unit=unit, effect=0.1)
    table = pd.read_csv(plan["files"]["assignment"])
    keys = [name for name in ("product_id", "date") if name in table]
    assert not table.duplicated(keys).any()
    arms = table.groupby(["cluster", *keys[1:]])["arm"]
    assert (arms.min() == arms.max()).all(), "substitutes share an arm"
    again = pd.read_csv(designed(history, tmp_path / "again", unit=unit, effect=0.1)["files"]["assignment"])
    other = pd.read_csv(
        designed(history, tmp_path / "other", unit=unit, effect=0.1, seed=8)["files"]["assignment"]
    )
    assert again.equals(table)
    assert not other["arm"].equals(table["arm"])


def test_a_switchback_is_analysed_by_block_without_its_burn_in(
    shop: SubstituteShop, history: Path, tmp_path: Path
) -> None:
    plan = designed(history, tmp_path, unit="time", effect=0.05, block=7, burn_in=2)
    read = analysed(trial_of(shop, tmp_path, plan, 1), tmp_path)
    assert read["design"]["randomised"] == "block"
    assert sum(read["srm"]["counts"].values()) == 16 * plan["periods"] // 7
    effect = read["metrics"]["revenue"]["cuped_relative"]
    assert effect["low"] < shop.lift(CUT) < effect["high"]


def test_one_look_decides_only_at_the_planned_end(
    shop: SubstituteShop, history: Path, tmp_path: Path
) -> None:
    plan = designed(history, tmp_path, effect=0.1)
    early = pd.Timestamp(plan["ends"]) - pd.Timedelta(days=3)
    assert analysed(trial_of(shop, tmp_path, plan, 1, f"{early:%Y-%m-%d}"), tmp_path)["verdict"] == "continue"
    assert analysed(trial_of(shop, tmp_path, plan, 1), tmp_path)["verdict"] == "keep"


def test_a_day_without_sales_in_the_trial_is_named(
    shop: SubstituteShop, history: Path, tmp_path: Path
) -> None:
    plan = designed(history, tmp_path, effect=0.1)
    path = trial_of(shop, tmp_path, plan, 1)
    sales = pd.read_parquet(path)
    day = pd.Timestamp(plan["starts"]) + pd.Timedelta(days=4)
    sales[sales["date"] != day].to_parquet(path)
    with pytest.raises(TrialError, match=f"Received: none on {day:%Y-%m-%d}"):
        analysed(path, tmp_path)


def test_an_effect_that_no_length_detects_is_refused_with_the_least_detectable_one(
    history: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrialError, match=r"the least effect found is \d"):
        designed(history, tmp_path, effect=0.005)


@pytest.mark.parametrize(
    ("request_fields", "message"),
    [
        ({"unit": "buyer"}, "nothing is randomised by buyer"),
        ({"unit": "store"}, "stores can be randomised from four on"),
        ({"effect": 0.0}, "must be a share that is not 0"),
        ({"metric": "profit"}, "profit where every row has a unit cost"),
        ({"guards": {"units": 5}}, "must be a share between 0 and 1"),
        ({"unit": "time", "block": 2, "burn_in": 2}, "leave a period in every block"),
        ({"share": 0.37}, "denominator of at most 10"),
        ({"groups": "category"}, "needs a category in every row"),
    ],
)
def test_a_request_that_no_trial_can_meet_is_refused_with_its_rule(
    history: Path, tmp_path: Path, request_fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrialError, match=message):
        designed(history, tmp_path, **request_fields)


def test_the_least_effect_is_detected_with_the_wanted_power() -> None:
    rng = np.random.default_rng(6)
    restless = np.exp(
        np.where(np.arange(300) % 60 < 30, 0.05, 0.5) * rng.normal(size=(40, 300))
    )  # windows differ by how much they vary
    past = planning.History(restless, Scheme(unit="cluster", owner=np.arange(40), share=0.5), before=20)
    least = planning.measure(past, planning.Goal(0.1, 0.8, 0.05), 20, seed=1, draws=500).least_effect
    again = planning.measure(past, planning.Goal(least, 0.8, 0.05), 20, seed=2, draws=500)
    assert again.power == pytest.approx(0.8, abs=0.05)


def test_strata_are_balanced_and_seeded() -> None:
    size = np.arange(20.0)
    treated = stratified(size, 0.5, np.random.default_rng(1))
    assert treated.reshape(10, 2).sum(axis=1).tolist() == [1] * 10
    blocks = switched(3, 12, 0.25, np.random.default_rng(1))
    assert blocks.reshape(3, 3, 4).sum(axis=2).tolist() == [[1] * 3] * 3
    np.testing.assert_array_equal(treated, stratified(size, 0.5, np.random.default_rng(1)))
