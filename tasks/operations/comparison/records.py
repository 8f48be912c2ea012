"""The result of a comparison, as ``repricer compare --json`` writes it; these names stay."""

from __future__ import annotations

from typing_extensions import TypedDict

from tasks.pricing.list_comparison import ListComparison


class Side(TypedDict):
    """A version that is compared.

    ``name`` says whether it is champion. ``trained`` is the last date of its data, ``run`` the MLflow run of
    its retraining, ``doubt`` says why the answer of its substitute groups is not identified and is empty
    where it is, ``assumed_margins`` are the lowest and the highest margin that its profit rests on, none
    where costs are known.
    """

    version: int
    name: str
    verdict: str
    headline: str
    trained: str
    data_hash: str
    run: str | None
    reasons: list[str]
    doubt: str
    assumed_margins: list[float] | None


class GateResult(TypedDict):
    """What a gate measured: its figure and its limit in words, and whether it passed."""

    text: str
    limit: str
    value: float | None
    passed: bool
    untested: bool


class GateRow(TypedDict):
    """A gate of both versions, none where a version was not held to it."""

    name: str
    title: str
    candidate: GateResult | None
    champion: GateResult | None


class Reading(TypedDict):
    """A figure with its interval; the ends are none where it has none."""

    value: float
    low: float | None
    high: float | None


class MetricRow(TypedDict):
    """A figure of both versions.

    ``unit`` is ``share`` or ``number``; ``better`` is ``higher``, ``lower``, or empty where neither is.
    ``difference`` is candidate less champion, measured on the same data, none where that was not possible:
    then both stand on data of their own.
    """

    name: str
    title: str
    unit: str
    better: str
    candidate: Reading | None
    champion: Reading | None
    difference: Reading | None


class Compared(TypedDict):
    """A candidate beside the champion, or beside the prices in force where there is no champion.

    ``champion`` may be another version, where somebody named it. ``same_data`` says whether both were
    trained on the same rows. ``list`` is the candidate's price list beside the champion's for the catalogue
    and the prices in force of the candidate; ``unknown`` counts the products of it that the champion was not
    trained on, so that it holds their prices. ``prices_in_force`` says where these are from. ``address`` is
    where the report lies, relative to the MLflow UI; none where the run of the retraining is gone.
    """

    candidate: Side
    champion: Side | None
    same_data: bool
    gates: list[GateRow]
    metrics: list[MetricRow]
    list: ListComparison
    unknown: int
    prices_in_force: str
    confidence: float
    currency: str | None
    address: str | None
