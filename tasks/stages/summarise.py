"""Stage: gather the summary of a retraining: one JSON, headline metrics, and the note on its page."""

from __future__ import annotations

from conf import Settings, profile_name
from tasks.pricing.known_cost import costless_note
from tasks.runtime import track
from tasks.runtime.artifacts import load_table, save_json
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Stages, Versions
from tasks.runtime.summary import DataSummary, ForecastSummary, ResponseSummary, Summary
from tasks.stages.candidate_list import champion_beside, show_list
from tasks.stages.describe import describe
from tasks.stages.summary_page import as_markdown


def summarise(
    attempt: Attempt, settings: Settings, stages: Stages, *, versions: Versions, peak_memory_mb: float
) -> Summary:
    """Gather what the stages returned, and show it on the run's page.

    Args:
        attempt: the attempt whose run carries the summary.
        settings: of the retraining.
        stages: results of the stages before registration.
        versions: that were registered.
        peak_memory_mb: largest resident memory of the process and its children (MB).
    """
    summary = _summary(attempt.run_id, stages, versions, track.stage_seconds(attempt), peak_memory_mb)
    summary["champion"] = champion_beside(settings)
    if settings.source.currency:
        summary["currency"] = settings.source.currency
    track.log_headlines(attempt, _headlines(summary))
    tags = {"verdict": summary["verdict"], "data_hash": summary["data"]["hash"]}
    track.note(attempt, as_markdown(summary, profile_name(settings.profile)), tags)
    describe(attempt, settings, summary)
    show_list(attempt, settings, stages, versions)
    save_json(summary, attempt.path("summary.json"))
    return summary


def _summary(
    run_id: str, stages: Stages, versions: Versions, seconds: dict[str, float], peak_memory_mb: float
) -> Summary:
    prepared, forecasted, responded = stages["prepare"], stages["forecast"], stages["respond"]
    priced, evaluated = stages["price"], stages["evaluate"]
    costless = costless_note(load_table(priced["market"]), priced["objective"])
    return Summary(
        run_id=run_id,
        data=DataSummary(
            hash=prepared["data_hash"],
            rows_in=prepared["rows_in"],
            rows_accepted=prepared["rows_accepted"],
            rows_quarantined=prepared["rows_quarantined"],
        ),
        forecast=ForecastSummary(
            {
                "scores": forecasted["scores"],
                "coverage": forecasted["coverage"],
                "lambda": forecasted["lambda"],
            }
        ),
        response=ResponseSummary(
            identified=responded["identified"],
            not_identified=responded["not_identified"],
            median_elasticity=responded["median_elasticity"],
        ),
        policy=priced["policy"],
        objective=priced["objective"],
        trial=evaluated["trial"],
        list=evaluated["list"],
        off_policy=evaluated["off_policy"],
        verdict=evaluated["verdict"],
        failed_gates=[gate["name"] for gate in evaluated["gates"] if not gate["passed"]],
        reasons=[*costless, *evaluated["reasons"], *prepared["notes"]],
        champion=None,
        versions=versions,
        seconds={**seconds, "total": sum(seconds.values())},
        peak_memory_mb=peak_memory_mb,
    )


def _headlines(summary: Summary) -> dict[str, float]:
    """Return what only the whole retraining has; every other headline was logged by its stage."""
    return {"seconds.total": summary["seconds"]["total"], "peak_memory_mb": summary["peak_memory_mb"]}
