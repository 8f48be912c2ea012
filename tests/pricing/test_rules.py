"""The rules of a market are read back as they were written."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np

from tasks.pricing import market
from tasks.pricing.rules import Rules
from tests.pricing.test_market import market_rules


def test_rules_that_were_written_as_json_are_read_back_the_same() -> None:
    written = market_rules(reference_effect=0.1, rival_cross=0.3, rival_reaction=1 / 3)
    assert written.hold == 2, "computed once, and not a part of what is written"
    read = Rules.from_json(json.loads(json.dumps(written.to_json())))
    for field in fields(Rules):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(written, field.name), field.name)


def test_a_version_registered_with_its_rules_in_the_market_file_still_finds_them() -> None:
    assert market.Rules is Rules, "the code that loads a registered version is stored with it"
