"""The suites of Great Expectations: versioned JSON beside this file, loaded and run in memory.

The library lets an empty suite pass, only logs an expectation that does not exist, and reports a missing
column as a failed expectation; all three are errors here.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pandas as pd

from expectations.columns import KEY, NUMERIC, PROMOTION_PREFIX, REQUIRED, promotions
from expectations.refusals import DataError, refusal

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

ANY_PROMOTION = f"{PROMOTION_PREFIX}*"
ALWAYS = {*KEY, *REQUIRED}
CRITICAL = "critical"


class SuiteError(ValueError):
    """A suite that does not say what must hold."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one expectation came out.

    Attributes:
        sentence: the expectation in words, such as ``price is above 0``.
        critical: failing rows are set aside and a failing table is refused; otherwise it is only reported.
        passed: it holds.
        failing: index labels of the rows in which it does not hold; empty for a rule about the whole table.
        observed: what was found where the whole table failed.
    """

    sentence: str
    critical: bool
    passed: bool
    failing: tuple[Any, ...]
    observed: str


def run(name: str, frame: pd.DataFrame) -> list[Outcome]:
    """Hold a frame to the suite ``<name>.json``.

    Raises:
        DataError: an expectation could not be checked, or a critical one about the whole table fails.
        SuiteError: the suite is empty or holds an expectation that does not exist.
    """
    written = json.loads(files("expectations").joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return check(frame, load(written, frame.columns))


def load(written: Mapping[str, Any], columns: Iterable[str]) -> ExpectationSuite:
    """Return a suite for a frame with these columns, without expectations on optional columns that it lacks.

    Raises:
        SuiteError: the suite is empty or holds an expectation that does not exist.
    """
    gx = _library()
    present = set(columns)
    for template in written["expectations"]:
        _built(template, written["name"])  # a misspelt one fails although its column is absent
    applied = [
        e for template in written["expectations"] for e in _spread(template, present) if _applies(e, present)
    ]
    if not applied:
        raise SuiteError(
            f"suite {written['name']}: it holds no expectation, and an empty suite passes everything"
        )
    built = [_built(expectation, written["name"]) for expectation in applied]
    return gx.ExpectationSuite(
        name=written["name"], expectations=built, meta=written["meta"], notes=written["notes"]
    )


def check(frame: pd.DataFrame, suite: ExpectationSuite) -> list[Outcome]:
    """Run a suite on a frame.

    Raises:
        DataError: an expectation could not be checked, or a critical one about the whole table fails.
    """
    gx = _library()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    outcomes = [
        _outcome(result)
        for result in batch.validate(suite, result_format={"result_format": "COMPLETE"}).results
    ]
    refused = [o for o in outcomes if o.critical and not o.passed and not o.failing]
    if refused:
        errors = [
            refusal("(all)", f"suite {suite.name}", o.observed, o.sentence, "mend the source")
            for o in refused
        ]
        raise DataError([breach for error in errors for breach in error.breaches])
    return outcomes


def reasons(outcomes: Iterable[Outcome], index: pd.Index) -> pd.Series:
    """Return the first critical expectation that each row breaks, empty where it breaks none."""
    broken = pd.Series("", index=index, dtype="str")
    for outcome in [o for o in outcomes if o.critical and not o.passed]:
        rows = broken.index.isin(outcome.failing) & (broken == "")
        broken[rows] = f"expectation failed: {outcome.sentence}"
    return broken


def _library() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when the library is imported
    import great_expectations as gx

    chatty = logging.getLogger("great_expectations.data_context.types.base")  # logs every context
    chatty.setLevel(logging.WARNING)
    return gx


def _built(written: Mapping[str, Any], suite: str) -> Any:
    """Return the expectation; a suite of the library would only log one that does not exist, and pass."""
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        return ExpectationConfiguration(**written).to_domain_obj()
    except (GreatExpectationsError, ValidationError) as error:
        problem = " ".join(str(error).split())
    raise SuiteError(f"suite {suite}, {written['type']}: {problem}")


def _spread(template: Mapping[str, Any], present: set[str]) -> list[dict[str, Any]]:
    """Return an expectation on ``promotion_*`` once per promotion column, any other as it is."""
    if template["kwargs"].get("column") != ANY_PROMOTION:
        return [dict(template)]
    sentence = template["description"]
    return [
        {
            **template,
            "description": sentence.replace(ANY_PROMOTION, name),
            "kwargs": {**template["kwargs"], "column": name},
        }
        for name in promotions(sorted(present))
    ]


def _applies(expectation: Mapping[str, Any], present: set[str]) -> bool:
    kwargs = expectation["kwargs"]
    named = {kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs}
    return not ((named & set(NUMERIC)) - ALWAYS - present)


def _outcome(result: Any) -> Outcome:
    config = result.expectation_config
    raised = [
        info["exception_message"]
        for info in _exceptions(result.exception_info)
        if info.get("raised_exception")
    ]
    failing = () if result.success else tuple(result.result.get("unexpected_index_list") or ())
    observed = raised[0] if raised else str(result.result.get("observed_value", ""))
    if raised:
        raise refusal(
            "(all)",
            "the table",
            observed,
            config.description,
            "mend the source: its columns or their types are not as agreed",
        )
    return Outcome(
        sentence=config.description,
        critical=str(config.severity).lower().endswith(CRITICAL),
        passed=bool(result.success),
        failing=failing,
        observed=observed,
    )


def _exceptions(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [info] if "raised_exception" in info else list(info.values())
