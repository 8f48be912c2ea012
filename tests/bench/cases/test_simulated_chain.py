"""A chain can be made, and its features built, a few stores at a time."""

from __future__ import annotations

import pandas as pd
import pytest

from conf import Settings
from tasks.bench.cases.simulated_chain import simulated_stores
from tasks.bench.scale import ScaleError, bench_scale
from tasks.demand.features import build_features


def test_a_store_is_the_same_whatever_the_chain_around_it() -> None:
    chain = simulated_stores(0, 3, 20, seed=1)
    alone = simulated_stores(2, 3, 20, seed=1)
    pd.testing.assert_frame_equal(chain[chain["store_id"] == "s00002"].reset_index(drop=True), alone)
    assert not simulated_stores(2, 3, 20, seed=2)["units"].equals(alone["units"])


def test_the_features_of_a_chunk_of_stores_are_those_of_the_whole_chain() -> None:
    keys = ["product_id", "store_id", "date"]
    whole = build_features(simulated_stores(0, 4, 20, seed=1), (1, 2), (4,), "W").frame
    parts = [
        build_features(simulated_stores(first, first + 2, 20, seed=1), (1, 2), (4,), "W").frame
        for first in (0, 2)
    ]
    pd.testing.assert_frame_equal(
        pd.concat(parts).sort_values(keys, ignore_index=True), whole.sort_values(keys, ignore_index=True)
    )


def test_a_size_that_no_chain_has_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(
        ScaleError, match=r"multiple of 100 series, as every store has that many. Received: 250"
    ):
        bench_scale(Settings(profile="orange_juice"), [1000, 250], 10, tmp_path, print)


@pytest.mark.slow
def test_every_stage_of_every_chain_is_measured_and_the_sample_is_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    lstm = {"steps": 2, "epochs": 3, "units": 8, "batch": 16}
    settings = Settings(profile="orange_juice", forecast={"folds": 2, "lstm": lstm, "blend": {"grid": 5}})
    measured = bench_scale(settings, [200, 100], 20, tmp_path, print)
    assert [chain["series"] for chain in measured["chains"]] == [100, 200]
    for chain in measured["chains"]:
        assert set(chain["stages"]) == {"features", "arima", "lstm", "blend", "total"}
        assert all(
            stage["cpu_seconds"] > 0 and stage["peak_memory_mb"] > 100 for stage in chain["stages"].values()
        )
        assert chain["stages"]["arima"]["fitted_series"] == 20
        assert chain["stages"]["blend"]["held_out_mape"]["arima"] < 0.6
    assert set(measured["cost_per_series_ratio"]) == set(measured["chains"][0]["stages"])
