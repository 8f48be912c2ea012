"""Analyses of experiments: textbook numbers, refusals before results, variance of clusters and blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tasks.trial.analysis import analyse
from tasks.trial.corrections import benjamini_hochberg, holm
from tasks.trial.errors import RatioMismatch, TrialError
from tasks.trial.moments import analyse_moments
from tasks.trial.page import render
from tasks.trial.power import units_for_mean, units_for_proportion
from tasks.trial.ratio import sample_ratio
from tasks.trial.results import as_json, shown
from tasks.trial.sequential import halfwidth, obrien_fleming, p_value, spending_bounds
from tasks.trial.spec import read_spec
from tasks.trial.table import read_rows

MEAN = {"metrics": {"profit": {"kind": "mean", "value": "y"}}}


def trial(seed: int, units: int = 400, effect: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(10, 3, units)
    arm = np.where(rng.permutation(units) % 2, "B", "A")
    y = x + rng.normal(0, 1, units) + effect * (arm == "B")
    return pd.DataFrame(
        {"unit": np.arange(units), "arm": arm, "y": y, "x": x, "d": rng.integers(1, 5, units)}
    )


def read(frame: pd.DataFrame, **keys: Any) -> dict[str, Any]:
    spec = read_spec({**MEAN, **keys})
    return as_json(analyse(read_rows(frame, spec), spec))


def test_a_mean_is_compared_by_welch() -> None:
    frame = trial(1)
    effect = read(frame)["metrics"]["profit"]["absolute"]
    a, b = (frame["y"][frame["arm"] == name] for name in "AB")
    expected = stats.ttest_ind(b, a, equal_var=False)
    span = expected.confidence_interval()
    assert (effect["p"], effect["low"], effect["high"]) == pytest.approx(
        (expected.pvalue, span.low, span.high), rel=1e-9
    )


def test_moments_give_the_effects_of_their_table() -> None:
    frame = trial(2)
    spec = read_spec(
        {"metrics": {"r": {"kind": "ratio", "numerator": "y", "denominator": "d", "negative": True}}}
    )
    columns = {
        name: {
            a: {"n": len(g), "sum": g[name].sum(), "sum_squares": (g[name] ** 2).sum()}
            for a, g in frame.groupby("arm")
        }
        for name in "yd"
    }
    moments = {**columns, "y_d": {a: (g["y"] * g["d"]).sum() for a, g in frame.groupby("arm")}}
    by_moments, by_rows = (
        as_json(analysis)["metrics"]["r"]
        for analysis in (analyse_moments(moments, spec), analyse(read_rows(frame, spec), spec))
    )
    for name in ("absolute", "relative"):
        assert by_moments[name] == pytest.approx(by_rows[name], rel=1e-9)


def test_cuped_narrows_the_interval_and_keeps_the_effect() -> None:
    profit = read(trial(3, effect=0.5), metrics={"profit": {"kind": "mean", "value": "y", "covariate": "x"}})[
        "metrics"
    ]["profit"]
    assert profit["cuped_absolute"]["se"] < 0.45 * profit["absolute"]["se"]
    assert profit["cuped_absolute"]["low"] < 0.5 < profit["cuped_absolute"]["high"]


def test_equal_clusters_are_compared_by_welch_over_their_means() -> None:
    frame = trial(4)
    frame["cluster"] = frame["unit"] // 10
    frame["arm"] = np.where(frame["cluster"] % 2, "B", "A")
    effect = read(frame, cluster="cluster")["metrics"]["profit"]["absolute"]
    means = frame.groupby(["arm", "cluster"])["y"].mean()
    expected = stats.ttest_ind(means["B"], means["A"], equal_var=False)
    assert (effect["p"], effect["df"]) == pytest.approx((expected.pvalue, expected.df), rel=1e-9)


def switchback(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    period = np.arange(280)
    block = period // 7
    arm = np.array(["A", "B"])[rng.permutation(40) % 2][block]
    y = 10 + np.repeat(rng.normal(0, 1, 40), 7) + rng.normal(0, 1, 280)
    return pd.DataFrame({"unit": "shop", "period": period, "block": block, "arm": arm, "y": y})


def test_names_from_the_trial_are_shown_as_text() -> None:
    evil = "</td><script>alert('x')</script>"
    frame = trial(6).rename(columns={"unit": evil, "x": f"x{evil}"})
    frame["arm"] = np.where(frame["arm"] == "A", f"A{evil}", f"B{evil}")
    metric = {"kind": "mean", "value": "y", "covariate": f"x{evil}"}
    keys = {"unit": evil, "control": f"A{evil}", "metrics": {evil: metric}}
    spec = read_spec(keys)
    html = render(analyse(read_rows(frame, spec), spec), currency=evil)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 5, "arms, unit, metric and covariate are named"


@pytest.mark.slow
def test_block_variance_reports_false_positives_as_often_as_stated() -> None:
    false_positives = [
        read(switchback(seed), block="block")["metrics"]["profit"]["absolute"]["p"] < 0.05
        for seed in range(400)
    ]
    assert np.mean(false_positives) == pytest.approx(0.05, abs=0.03)


def test_the_sample_ratio_comes_before_any_result() -> None:
    frame = trial(5, 2000)
    frame["arm"] = np.where(frame["unit"] < 1100, "A", "B")
    spec = read_spec(MEAN)
    analysis = analyse(read_rows(frame, spec), spec)
    assert analysis.split.alarm
    assert as_json(analysis)["metrics"] == {}
    assert "no result" in render(analysis)
    with pytest.raises(RatioMismatch, match="1,100, B 900"):
        shown(analysis)


def test_the_sample_ratio_is_the_chi_square_worked_by_hand() -> None:
    assert sample_ratio([9300, 1000], [0.9, 0.1]) == pytest.approx(0.3244623557511027)


@pytest.mark.parametrize(
    ("change", "spec", "message"),
    [
        (lambda f: f[f["arm"] == "A"], {}, "needs two arms"),
        (lambda f: f[f["arm"] == "A"], {"shares": {"A": 0.5, "B": 0.5}}, "arm B is empty"),
        (
            lambda f: pd.concat([f, f.head(1).assign(arm=np.where(f["arm"].iloc[0] == "A", "B", "A"))]),
            {},
            "a unit has one arm",
        ),
        (lambda f: f.assign(y=np.nan), {}, "must be finite"),
        (
            lambda f: f.assign(y=-f["y"]),
            {"metrics": {"p": {"kind": "mean", "value": "y", "negative": False}}},
            "cannot be negative",
        ),
        (
            lambda f: f.assign(revenue=-f["y"]),
            {"metrics": {"p": {"kind": "mean", "value": "revenue"}}},
            "cannot be negative",
        ),
        (lambda f: f.drop(columns="y"), {}, "column y is missing"),
        (lambda f: f, {"metrics": {"p": {"kind": "proportion", "value": "y"}}}, "must be 0 or 1"),
        (
            lambda f: f.assign(product=f["unit"], category="coffee"),
            {"unit": "product"},
            "one substitute group must share an arm",
        ),
    ],
)
def test_a_table_that_cannot_be_analysed_is_refused_with_its_rule(
    change: Any, spec: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrialError, match=message):
        read(change(trial(6)), **spec)


def test_a_missing_period_is_refused_and_named() -> None:
    frame = switchback(1)
    with pytest.raises(TrialError, match="Received: 100 missing between 0 and 279"):
        read(frame[frame["period"] != 100], block="block")
    panel = trial(7, 40).merge(pd.DataFrame({"period": range(5)}), how="cross")
    with pytest.raises(TrialError, match="none for 0 in period 3"):
        read(panel.drop(index=3))


def test_a_typo_in_the_spec_is_named() -> None:
    with pytest.raises(TrialError, match="Did you mean `denominator`"):
        read_spec({"metrics": {"r": {"kind": "ratio", "numerator": "y", "denominater": "d"}}})


def test_a_planned_trial_ships_what_is_better_and_holds_its_guardrails() -> None:
    frame = trial(8, effect=3.0).assign(g=lambda f: f["x"])
    metrics = {
        "profit": {"kind": "mean", "value": "y", "covariate": "x"},
        "guard": {"kind": "mean", "value": "g", "margin": 0.2},
    }
    assert read(frame, planned=400, metrics=metrics)["verdict"] == "ship"
    assert read(trial(9), planned=400)["verdict"] == "keep"
    assert read(trial(9))["verdict"] == "continue"


def test_bounds_of_planned_looks_are_those_of_the_tables() -> None:
    assert obrien_fleming(5, 0.05) == pytest.approx([4.562, 3.226, 2.634, 2.281, 2.040], abs=1e-3)
    assert spending_bounds(np.arange(1, 6) / 5, 0.05) == pytest.approx(
        [4.877, 3.357, 2.680, 2.290, 2.031], abs=2e-3
    )


def test_a_confidence_sequence_touches_zero_where_its_p_is_alpha() -> None:
    half = halfwidth(0.04, 20_000, alpha=0.05, tuning=5000)
    assert p_value(half, 0.04, 20_000, tuning=5000) == pytest.approx(0.05)


def test_corrections_are_those_worked_by_hand() -> None:
    p = np.array([0.04, 0.01, 0.03])
    assert holm(p) == pytest.approx([0.06, 0.03, 0.06])
    assert benjamini_hochberg(p) == pytest.approx([0.04, 0.03, 0.04])


def test_planned_sizes_are_those_of_the_closed_form() -> None:
    assert (units_for_proportion(0.1, 0.1), units_for_mean(3, 0.02)) == (14749, 353200)
