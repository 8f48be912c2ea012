"""The picture of the gates tells how far each figure is from its limit, in colour, sign and plain words."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from expectations.palette import FAILS, PASSES, UNTESTED
from tasks.trial.candidate_gates import CLEAR_GAIN, predictive_gate
from tasks.trial.gate_words import figure_of, headline
from tasks.trial.gates import above, at_most, below
from tasks.trial.gates_figure import gates

CHECK = {"slope": 0.6, "low": -0.5, "high": 1.7, "sentence": ""}
GATES = [
    below("forecast", "error", 0.54, 1.0),
    predictive_gate({**CHECK, "status": "untested"}),
    above("policy_over_best_fixed", "gain", -0.003, -0.002, inclusive=True, span=CLEAR_GAIN),
    above("list_lift", "gain", None, 0.0, span=CLEAR_GAIN),
]


def written(figure: Figure) -> list[str]:
    """Return what stands at the right of the bars, from the top."""
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_margin_is_the_distance_from_the_limit_in_spans_and_below_0_where_it_fails() -> None:
    assert below("a", "", 0.54, 1.0).margin == pytest.approx(0.46)
    assert at_most("a", "", 0.15, 0.1).margin == pytest.approx(-0.5)
    assert above("a", "", 0.01, 0.0, span=0.05).margin == pytest.approx(0.2)
    assert above("a", "", 1.0, 1.0, inclusive=True).margin == 0.0
    assert above("a", "", None, 0.0).margin is None


def test_an_interval_that_must_hold_1_has_the_margin_of_its_nearer_end() -> None:
    inside = predictive_gate({**CHECK, "low": 0.5, "high": 1.5, "status": "passed"})
    assert inside.margin == pytest.approx(1.0)
    outside = predictive_gate({**CHECK, "low": 0.2, "high": 0.6, "status": "failed"})
    assert outside.margin == pytest.approx(-2.0)
    assert predictive_gate({**CHECK, "low": None, "high": None, "status": "untested"}).margin is None


def test_what_failed_stands_first_then_what_is_untested_and_each_says_so_in_words() -> None:
    assert written(gates(GATES, "FAIL")) == [
        *("✗ FAIL", "-0.30 %, must be at least -0.2 %"),
        *("✗ FAIL", "no figure, must be above 0 %"),
        *("? untested", "0.60, too uncertain to test"),
        *("✓ pass", "54.00 %, must be below 100 %"),
    ]


def test_the_bars_go_to_the_side_of_the_verdict_in_its_colour() -> None:
    bars = gates(GATES, "FAIL").axes[0].patches[1:]  # the first is the shade of the side that fails
    assert [bar.get_width() for bar in bars] == pytest.approx([-0.02, -1.0, 0.0, 0.46])
    colours = [to_hex(bar.get_facecolor()) for bar in bars]
    assert colours == [FAILS, FAILS, UNTESTED, PASSES]
    assert [bool(bar.get_hatch()) for bar in bars] == [True, True, False, False], "grey paper tells them"


def test_the_headline_counts_what_failed_and_what_could_not_be_tested() -> None:
    assert headline(GATES, "FAIL") == "FAIL: 2 of 4 gates failed, 1 could not be tested"
    assert headline(GATES[:2], "PASS") == "PASS: all 2 gates passed, 1 of them untested"
    assert headline(GATES[:1], "PASS") == "PASS: all 1 gates passed"


def test_a_figure_near_its_limit_is_written_apart_from_it() -> None:
    near = above("policy_over_myopic", "gain", -0.0020004, -0.002, inclusive=True)
    assert figure_of(near) == "-0.20004 %, must be at least -0.2 %"
    assert figure_of(above("weights_finite", "", 1.0, 1.0, inclusive=True)) == "100 %, must be at least 100 %"


def test_nothing_in_the_picture_is_cut_off() -> None:
    figure = gates(GATES, "FAIL")
    figure.draw_without_rendering()
    for text in (*figure.axes[0].texts, *figure.axes[0].get_yticklabels(), figure.axes[0].title):
        box = text.get_window_extent()
        assert box.x0 >= 0, f"{text.get_text()!r} is cut off at the left"
        assert box.x1 <= figure.bbox.width, f"{text.get_text()!r} is cut off at the right"
