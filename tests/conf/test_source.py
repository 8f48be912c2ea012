"""Settings of the files: signs by name or as they are, formats in letters or as in Python."""

from __future__ import annotations

import pytest

from conf import load
from conf.layers import SettingsError


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("separator=;", ";"),
        ("separator=semicolon", ";"),
        ("separator=tab", "\t"),
        ("decimal=,", ","),
        ("decimal=comma", ","),
        ("decimal=.", "."),
        ("date_format=dd.mm.yyyy", "dd.mm.yyyy"),
        ("date_format=%d.%m.%Y", "dd.mm.yyyy"),
        ("date_format=DD/MM/YYYY", "dd/mm/yyyy"),
        ("encoding=cp1252", "cp1252"),
    ],
)
def test_a_sign_or_format_is_understood_as_people_write_it(assignment: str, value: str) -> None:
    name = assignment.partition("=")[0]
    assert getattr(load("default", [f"source.csv.{assignment}"]).source.csv, name) == value


def test_an_unknown_date_format_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(SettingsError, match=r"source\.csv\.date_format: .*'dd\.mm\.yyyy'"):
        load("default", ["source.csv.date_format=mmm-yy"])
