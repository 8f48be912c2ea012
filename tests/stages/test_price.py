"""The stage hands its own section and the response to the market, and nothing of other sections."""

from __future__ import annotations

from conf import load
from tasks.runtime.artifacts import Artifact
from tasks.runtime.records import Effect, PredictiveCheck, Responded
from tasks.stages.price import effects_of, plan_of


def responded(memory: float) -> Responded:
    file = Artifact(path="elasticities.parquet", sha256="0" * 64)
    return Responded(
        elasticities=file,
        reference_memory=memory,
        reference_effect=Effect(estimate=0.1, low=0.0, high=0.2),
        rival_cross=Effect(estimate=0.5, low=0.0, high=1.0),
        rival_reaction=Effect(estimate=0.2, low=0.0, high=0.4),
        identified=1,
        not_identified=0,
        median_elasticity=-2.0,
        median_width=0.5,
        groups=file,
        group_products=file,
        group_draws=file,
        groups_refused="",
        influence=file,
        predictive_check=PredictiveCheck(
            slope=None, low=None, high=None, groups=0, weeks=0, status="untested", sentence=""
        ),
        model_files={},
    )


def test_the_market_takes_its_effects_from_the_response() -> None:
    effects = effects_of(responded(0.6))
    assert (effects.reference_memory, effects.reference_effect) == (0.6, 0.1)
    assert (effects.rival_cross, effects.rival_reaction) == (0.5, 0.2)


def test_the_plan_of_the_stage_changes_only_with_its_section_and_the_period() -> None:
    plain = plan_of(load("smoke", []))
    assert plan_of(load("smoke", ["respond.reference_memory=0.1", "evaluate.markets=7"])) == plain
    assert plan_of(load("smoke", ["price.markup=0.5"])).markup == 0.5
    assert plan_of(load("smoke", ["source.period=W"])).period == "W"
