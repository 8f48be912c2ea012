"""Flows: design and analysis of a real price experiment, and a policy's value on logged decisions."""

from __future__ import annotations

from typing import Any

from prefect import flow

from conf import Settings
from tasks.operations import experiment_analyze as analysis
from tasks.operations import experiment_design as plan
from tasks.operations import experiment_off_policy as logged


@flow(name="experiment", flow_run_name="analyze {data}")
def analyze(data: str, spec: str, settings: Settings, page: str | None = None) -> dict[str, Any]:
    """Analyse an experiment: sample ratio first, then effects, guardrails and the verdict."""
    return analysis.analyze(data, spec, settings, page)


@flow(name="experiment-design", flow_run_name="design into {folder}")
def design(data: str, request: plan.DesignRequest, folder: str, settings: Settings) -> dict[str, Any]:
    """Design an experiment: who gets which price when, for how long, and how it will be analysed."""
    return plan.design(data, request, folder, settings)


@flow(name="experiment-off-policy", flow_run_name="{policy} on {log}")
def off_policy(log: str, policy: str, settings: Settings, plot: str | None = None) -> dict[str, Any]:
    """Estimate a policy's value on logged decisions, or refuse and say which prices lack data."""
    return logged.off_policy(log, policy, settings, plot)
