"""Flow: the chain from sales to a candidate."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from flows import run_page
from flows.evaluate import evaluate
from flows.forecast import forecast
from flows.prepare import prepare
from flows.price import price
from flows.respond import respond
from tasks.runtime.memory import peak_memory
from tasks.runtime.owners import owned_run
from tasks.runtime.records import Stages
from tasks.runtime.resume import attempt_at
from tasks.runtime.started_by import ended_with_starter
from tasks.runtime.summary import Summary
from tasks.stages.register import register
from tasks.stages.summarise import summarise


@flow(name="retrain", flow_run_name=run_page.run_name)
def retrain(settings: Settings, fresh: bool = False) -> Summary:
    """Retrain on the sales table and register the models; for PASS they become ``candidate``."""
    with (
        run_page.progress_shown(),
        ended_with_starter(settings.data_folder),
        owned_run(settings.data_folder),
        attempt_at(settings, fresh) as attempt,
        peak_memory() as peak,
    ):
        prepared = prepare(attempt, settings)
        forecasted = forecast(attempt, settings, prepared)
        responded = respond(attempt, settings, prepared["sales"])
        priced = price(attempt, settings, prepared["sales"], forecasted["outlook"], responded)
        evaluated = evaluate(
            attempt,
            settings,
            prepared["sales"],
            forecasted=forecasted,
            responded=responded,
            priced=priced,
        )
        stages = Stages(
            prepare=prepared, forecast=forecasted, respond=responded, price=priced, evaluate=evaluated
        )
        versions = register(attempt, settings, stages)
        summary = summarise(attempt, settings, stages, versions=versions, peak_memory_mb=peak.sample())
        run_page.show(attempt, settings, summary)
        return run_page.conclusion(summary, evaluated["reasons"])
