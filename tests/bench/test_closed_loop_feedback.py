"""The experiment on feedback: its policy is misled as it says, and its difference is that of the lists."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from conf import Settings
from tasks.bench.closed_loop_feedback import bench_feedback, paired_mean
from tasks.bench.misled_policy import mislead_stored, shifted_draws
from tests.bench.test_closed_loop import CLAIM, chain_of, learning

DRAWS = {
    "within": np.random.default_rng(1).normal(2.8, 0.1, (200, 3)),
    "whole": np.full((200, 3), 0.6),
    "curve": np.zeros(200),
}


@pytest.mark.parametrize("error", [0.7, -0.7])
def test_the_slopes_of_all_groups_are_off_by_the_error_and_by_a_doubt_that_they_share(error: float) -> None:
    shifted = shifted_draws(DRAWS, error, np.random.default_rng(0))
    change = shifted["within"] - DRAWS["within"]
    inside = (shifted["within"] > 0.2).all(axis=1)
    np.testing.assert_allclose(change[inside], change[inside][:, :1].repeat(3, axis=1), atol=1e-12)
    assert change.mean() == pytest.approx(error, abs=0.02)
    assert change[:, 0].std() == pytest.approx(0.7, abs=0.1)
    assert shifted["within"].min() >= 0.2
    for name in ("whole", "curve"):
        np.testing.assert_array_equal(shifted[name], DRAWS[name])


def test_every_stored_copy_of_the_draws_is_misled_alike(tmp_path: Path) -> None:
    settings = Settings(profile="closed_loop", data_folder=str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"there is no policy_draws\.npz below it"):
        mislead_stored(settings, 0.7, 3)
    copies = [tmp_path / "attempt" / "policy_draws.npz", tmp_path / "store" / "model" / "policy_draws.npz"]
    for path in copies:
        path.parent.mkdir(parents=True)
        np.savez(path, **DRAWS)
    mislead_stored(settings, 0.7, 3)
    first, second = (np.load(path)["within"] for path in copies)
    np.testing.assert_array_equal(first, second)
    assert first.mean() == pytest.approx(DRAWS["within"].mean() + 0.7, abs=0.02)


def test_the_difference_is_that_of_lists_with_and_without_sales_and_the_belief_is_misled_first(
    tmp_path: Path,
) -> None:
    errors: list[float] = []
    chain = replace(chain_of(learning, CLAIM), mislead=lambda *belief: errors.append(belief[1]))
    settings, chosen = Settings(profile="closed_loop"), [("nested", 1), ("nested", 2)]
    measured = bench_feedback(settings, chosen, chain, weeks=2, folder=tmp_path, say=print)
    assert errors == [-0.7, 0.7]
    for shop in measured["shops"]:
        assert shop["frozen"] == 0.0
        assert shop["weekly_difference"][0] == 0.0, "there are no sales in the first week"
        assert shop["difference"] == shop["feedback"] == pytest.approx(shop["weekly_difference"][1] / 2)
        assert shop["feedback"] > 0, "a group answers dearer prices by less than their rise"
    assert measured["difference"] == paired_mean([shop["difference"] for shop in measured["shops"]])


def test_the_interval_of_the_mean_difference_is_that_of_students_t() -> None:
    differences = [0.01, 0.03, 0.02, 0.06]
    mean = paired_mean(differences)
    low, high = stats.t.interval(0.95, 3, np.mean(differences), stats.sem(differences))
    assert mean == pytest.approx({"mean": 0.03, "low": low, "high": high})
    assert paired_mean([0.02]) == {"mean": 0.02, "low": None, "high": None}
