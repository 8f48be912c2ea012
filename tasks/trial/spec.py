"""The specification of an experiment: what was randomised, how it was split, which metrics are read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from tasks.trial.corrections import CORRECTIONS
from tasks.trial.errors import TrialError

KINDS = ("mean", "ratio", "proportion")
COUNTED = (
    "revenue",
    "units",
    "sales",
    "orders",
    "sessions",
    "visits",
    "quantity",
    "price",
    "purchases",
    "baskets",
    "clicks",
)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ITEMS = ("item", "product", "product_id", "sku")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        kind: ``mean`` per unit, ``ratio`` of two sums, or ``proportion`` of units (values 0 and 1).
        value: column of a mean or a proportion.
        numerator, denominator: columns of a ratio.
        covariate: column known before the experiment, for CUPED and for the balance.
        margin: a guardrail's: the loss that is tolerated (share of control, above 0).
        direction: ``up`` if more is better, ``down`` if less is.
        negative: whether values below 0 can be; none: not for what is counted or paid (revenue, units,
            orders, ...).
    """

    kind: str = "mean"
    value: str | None = None
    numerator: str | None = None
    denominator: str | None = None
    covariate: str | None = None
    margin: float | None = None
    direction: str = "up"
    negative: bool | None = None

    @property
    def columns(self) -> list[str]:
        """Return the columns it reads."""
        return [name for name in (self.top, self.denominator, self.covariate) if name]

    @property
    def top(self) -> str:
        """Return the column of its value or numerator."""
        return str(self.numerator if self.kind == "ratio" else self.value)

    def cannot_be_negative(self) -> bool:
        """Return whether a value below 0 is an error."""
        counted = any(word in self.top.lower().split("_") for word in COUNTED)
        return self.kind == "proportion" or (counted if self.negative is None else not self.negative)


@dataclass(frozen=True, kw_only=True)
class Spec:
    """An experiment as it was designed.

    Attributes:
        metrics: name -> metric; the first that is no guardrail decides.
        unit: column of the unit.
        arm: column of the arm.
        control: name of the arm that keeps the price in force.
        treated: name of the other one; needed where there are more than two.
        shares: planned share of the units per arm; none: equal.
        cluster: column of the cluster, where clusters were randomised.
        block: column of the time block, where blocks were randomised (switchback).
        period: column of the period; none: `period`, `date`, `day` or `week` if there is one.
        events: whether the rows are events, so that a unit without a row in a period is none that is missing.
        group: column of the substitute group of items.
        burn_in: periods left out at the start of every block, while buyers still respond to the price before
            (periods).
        alpha: probability of a false positive.
        srm_alarm: least p of the sample-ratio check.
        correction: ``holm``, ``benjamini_hochberg`` or ``bonferroni``.
        tuning: units at which the confidence sequence is narrowest; none: 5000, or the number of clusters
            or blocks.
        planned: units at which the trial ends and one look decides; none: it may be looked at without end.
        looks: planned number of looks of a group-sequential trial.
        look: which of them this is, from 1.
        starts, ends: first and last date of the trial; one look decides once the last is reached, and
            ``planned`` too.
        assignment: file of the assignment, beside the specification, to which the sales are joined; none:
            the data holds the arms.
    """

    metrics: Mapping[str, Metric]
    unit: str = "unit"
    arm: str = "arm"
    control: str = "A"
    treated: str | None = None
    shares: Mapping[str, float] | None = None
    cluster: str | None = None
    block: str | None = None
    period: str | None = None
    events: bool | None = None
    group: str | None = None
    burn_in: int = 0
    alpha: float = 0.05
    srm_alarm: float = 0.001
    correction: str = "holm"
    tuning: float | None = None
    planned: int | None = None
    looks: int | None = None
    look: int | None = None
    starts: str | None = None
    ends: str | None = None
    assignment: str | None = None

    def ended(self, units: int, last: str | None) -> bool:
        """Return whether the planned end is reached: units, last date, or both if both are planned."""
        reached = [units >= self.planned] if self.planned is not None else []
        if self.ends is not None:
            reached.append(last is not None and last >= str(self.ends))
        return bool(reached) and all(reached)

    @property
    def primary(self) -> str:
        """Return the metric that decides."""
        return next(
            (name for name, metric in self.metrics.items() if metric.margin is None), next(iter(self.metrics))
        )


def read_spec(document: Any) -> Spec:
    """Return the specification of a document, as YAML holds it.

    Raises:
        TrialError: a key is unknown or missing, or a value cannot be.
    """
    if not isinstance(document, Mapping) or not _has_metrics(document):
        raise TrialError(
            "spec: `metrics` must name at least one metric: "
            "`metrics: {revenue: {kind: mean, value: revenue}}`. Received: none."
        )
    metrics = {str(name): _metric(str(name), value) for name, value in document["metrics"].items()}
    given = _known(document, Spec, "spec")
    if isinstance(given.get("shares"), (list, tuple)):
        raise TrialError(
            "spec: `shares` must say which arm has which share, `{A: 0.5, B: 0.5}`. Received: a list."
        )
    texts: dict[str, Any] = {name: str(given[name]) for name in ("starts", "ends") if name in given}
    spec = Spec(**{**given, **texts, "metrics": metrics, "control": str(given.get("control", "A"))})
    _check(spec)
    return spec


def _has_metrics(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("metrics"), Mapping) and bool(document["metrics"])


def _metric(name: str, document: Any) -> Metric:
    """Return a metric, its kind and columns checked."""
    where = f"spec: metrics.{name}"
    if not isinstance(document, Mapping):
        raise TrialError(
            f"{where} must be a mapping, such as {{kind: mean, value: revenue}}. Received: {document}."
        )
    metric = Metric(**_known(document, Metric, where))
    if metric.kind not in KINDS:
        raise TrialError(f"{where}.kind must be one of {', '.join(KINDS)}. Received: {metric.kind}.")
    needed = ("numerator", "denominator") if metric.kind == "ratio" else ("value",)
    for key in needed:
        if not getattr(metric, key):
            raise TrialError(f"{where}: a {metric.kind} needs `{key}`, the name of a column. Received: none.")
    if metric.margin is not None and not 0 < metric.margin < 1:
        raise TrialError(
            f"{where}.margin must be a share above 0 and below 1, such as 0.02. Received: {metric.margin}."
        )
    if metric.direction not in ("up", "down"):
        raise TrialError(f"{where}.direction must be up or down. Received: {metric.direction}.")
    return metric


def _known(document: Mapping[str, Any], kind: type, where: str) -> dict[str, Any]:
    """Return the fields of a record that a document gives; unknown ones are refused with a suggestion."""
    names = [f.name for f in fields(kind)]
    for key in document:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, 1)
            raise TrialError(
                f"{where}: there is no key `{key}`. "
                + (f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(names)}.")
            )
    required = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    return {key: value for key, value in document.items() if value is not None or key in required}


def _check(spec: Spec) -> None:
    """Refuse values that do not fit together."""
    shares = spec.shares
    if shares is not None and (
        len(shares) < 2 or not all(isinstance(s, (int, float)) and s > 0 for s in shares.values())
    ):
        raise TrialError(
            f"spec: `shares` must give at least two arms a share above 0. Received: {dict(shares)}."
        )
    if shares is not None and spec.control not in {str(name) for name in shares}:
        raise TrialError(f"spec: `control` must be one of the arms of `shares`. Received: {spec.control}.")
    if spec.correction not in CORRECTIONS:
        raise TrialError(
            f"spec: `correction` must be one of {', '.join(CORRECTIONS)}. Received: {spec.correction}."
        )
    if not 0 < spec.alpha < 0.5:
        raise TrialError(f"spec: `alpha` must lie between 0 and 0.5. Received: {spec.alpha}.")
    if spec.assignment is not None and (spec.starts is None or spec.ends is None):
        raise TrialError(
            "spec: an `assignment` needs `starts` and `ends`. "
            f"Received: {spec.starts} and {spec.ends}. Take them from its design."
        )
    for name in ("starts", "ends"):
        value = getattr(spec, name)
        if value is not None and not DAY.fullmatch(value):
            raise TrialError(f"spec: `{name}` must be a date such as 2026-03-29. Received: {value}.")
    if (spec.look is None) != (spec.looks is None) or (
        spec.look and spec.looks and not 1 <= spec.look <= spec.looks
    ):
        raise TrialError(
            "spec: `looks` and `look` come together, look from 1 to looks. "
            f"Received: {spec.looks} and {spec.look}."
        )
