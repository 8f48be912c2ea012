"""Flow: the analysis of a real price experiment."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.experiment import analyze as deed


@flow(name="experiment")
def analyze(data: str, spec: str, page: str | None = None) -> dict[str, Any]:
    """Analyse an experiment: sample ratio first, then effects, guardrails and the verdict."""
    return deed(data, spec, page)
