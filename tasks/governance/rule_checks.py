"""What a table of rules may say: rules that exist, inside their limits, a name under what is loosened."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY, ROW
from expectations.refusals import FILE, Breach, DataError, broken
from tasks.governance.endings import SEPARATOR, digits_of
from tasks.governance.rules import OF_COST, OF_PRICE, HouseRules

OPTION = "--rules"
PRODUCTS = "product"  # scope of a row, besides ``category``
SCOPE, SUBJECT, APPROVED_BY = "scope", "name", "approved_by"
FAMILY, SIZE, ENDINGS = "pack_family", "pack_size", "endings"
LEAST, MOST, FIXED, ADVERTISED = "least_price", "most_price", "fixed_price", "minimum_advertised_price"
MARGIN, MARGIN_OF = "margin_floor", "margin_of"
RIVAL_LOW, RIVAL_HIGH, STEP, BAND = "competitor_low", "competitor_high", "step", "band"
TEXTS = (SCOPE, SUBJECT, MARGIN_OF, ENDINGS, FAMILY, APPROVED_BY)
MONEY, RATIO, CONTENT = 1e9, 10.0, 1e6
NUMBERS = {
    **dict.fromkeys((LEAST, MOST, FIXED, ADVERTISED), MONEY),
    **dict.fromkeys((MARGIN, RIVAL_LOW, RIVAL_HIGH), RATIO),
    STEP: 0.25,
    BAND: 0.5,
    SIZE: CONTENT,
}
"""How far a number goes (currency/unit, shares, ratios, content); it is above 0, a margin floor may be 0."""
MOST_OF_PRICE = 0.95  # margin floor as a share of the price
LOWER_IS_LOOSER = (LEAST, MARGIN, RIVAL_LOW)  # of the others, higher is looser


def checked_rules(table: pd.DataFrame, house: HouseRules, origin: str = OPTION) -> pd.DataFrame:
    """Return the rules with typed cells, nan where a cell says nothing.

    Args:
        table: a row per category or product: ``scope`` (``category`` or ``product``), ``name``, and rules.
        house: rules of the settings.
        origin: file or option that the table is from, for the messages.

    Raises:
        DataError: a column is not known, a cell cannot be read or is beyond its limits, or a rule is loosened
            without a name; every broken rule is in the message.
    """
    known = [*TEXTS, *NUMBERS]
    strange = [str(name) for name in table if name not in known]
    missing = [name for name in (SCOPE, SUBJECT) if name not in table]
    if strange or missing:
        raise DataError(
            [
                *(_strange(name, known, origin) for name in strange),
                *(_missing(name, origin) for name in missing),
            ]
        )
    rows = table.reindex(columns=known).reset_index(drop=True)
    rows[FILE], rows[ROW] = origin, np.arange(1, len(rows) + 1)
    texts, numbers = {}, {}
    for name in TEXTS:
        text = rows[name].astype("str").str.strip()
        texts[name] = text.astype(object).where(rows[name].notna() & (text != ""), None)
    for name in NUMBERS:
        numbers[name] = pd.to_numeric(rows[name], errors="coerce").astype(float)
    typed = rows.assign(**texts, **numbers)
    breaches = [*_scopes(typed), *_numbers(rows, typed), *_texts(typed), *_packs(typed)]
    breaches = breaches or list(_loosened(typed, house))
    if breaches:
        raise DataError(breaches)
    basis = typed[MARGIN_OF].where(typed[MARGIN_OF].notna(), house.margin_of)
    return typed.assign(**{MARGIN_OF: basis.where(typed[MARGIN].notna(), None)})


def _strange(name: str, known: list[str], origin: str) -> Breach:
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f"write {close[0]}" if close else f"take it out; rules are {', '.join(known)}"
    cells = ((origin, "there is no such rule"),)
    return Breach(
        column=name, rule="a table of rules has rules that exist", remedy=remedy, cells=cells, count=1
    )


def _missing(name: str, origin: str) -> Breach:
    remedy = f"add the column {name}"
    cells = ((origin, "there is no such column"),)
    rule = f"a rule has a {SCOPE} ({CATEGORY} or {PRODUCTS}) and a {SUBJECT}"
    return Breach(column=name, rule=rule, remedy=remedy, cells=cells, count=1)


def _scopes(rows: pd.DataFrame) -> Iterator[Breach]:
    """Yield rows that hold for nothing, or for what another row holds for."""
    rule = f"a scope is {CATEGORY} or {PRODUCTS}"
    yield from broken(rows, ~rows[SCOPE].isin([CATEGORY, PRODUCTS]), SCOPE, rule, f"write {PRODUCTS}")
    rule = "a rule names its category or product"
    yield from broken(rows, rows[SUBJECT].isna(), SUBJECT, rule, "fill it in")
    twice = rows.duplicated([SCOPE, SUBJECT]) & rows[SUBJECT].notna()
    yield from broken(rows, twice, SUBJECT, "a category or product has one row", "join the rows")


def _numbers(rows: pd.DataFrame, typed: pd.DataFrame) -> Iterator[Breach]:
    """Yield cells that are no number inside their limits."""
    for name, most in NUMBERS.items():
        given, value = rows[name].notna() & (rows[name].astype("str").str.strip() != ""), typed[name]
        limit = np.full(len(rows), most)
        if name == MARGIN:
            limit[(typed[MARGIN_OF] == OF_PRICE).to_numpy()] = MOST_OF_PRICE
        inside = ((value > 0) | ((value == 0) & (name == MARGIN))) & (value <= limit)
        rule = f"{name} is a number above 0 up to {most:g}"
        if name == MARGIN:
            rule = f"{name} is a number from 0 to {most:g}, of the price to {MOST_OF_PRICE:g}"
        yield from broken(rows, given & ~inside, name, rule, "correct it, or leave the cell empty")


def _texts(rows: pd.DataFrame) -> Iterator[Breach]:
    """Yield margins of nothing, and endings that are no digits."""
    of = rows[MARGIN_OF]
    wrong = of.notna() & ~(of.isin([OF_COST, OF_PRICE]) & rows[MARGIN].notna())
    rule = f"{MARGIN_OF} is {OF_COST} or {OF_PRICE}, beside a {MARGIN}"
    yield from broken(rows, wrong, MARGIN_OF, rule, f"write {OF_COST}, or leave both empty")
    wrong = rows[ENDINGS].map(lambda text: text is not None and not _digits(text))
    rule = "endings are the last 1 to 4 digits of prices, with bars between them"
    yield from broken(rows, wrong, ENDINGS, rule, "write 99|95")


def _digits(text: str) -> bool:
    try:
        return bool(digits_of(text.split(SEPARATOR)))
    except ValueError:
        return False


def _packs(rows: pd.DataFrame) -> Iterator[Breach]:
    """Yield packs without a family, families without a size, and two packs of one size."""
    family, size = rows[FAMILY], rows[SIZE]
    half = (family.notna() != size.notna()) | (family.notna() & (rows[SCOPE] != PRODUCTS))
    rule = f"a product has a {FAMILY} and a {SIZE}, or neither"
    yield from broken(rows, half, FAMILY, rule, "fill both in, in a row of a product")
    twice = family.notna() & rows.duplicated([FAMILY, SIZE])
    rule = "a family has one product of every pack size"
    yield from broken(rows, twice, SIZE, rule, "give variants families of their own")


def _loosened(rows: pd.DataFrame, house: HouseRules) -> Iterator[Breach]:
    """Yield rows that loosen a rule of the settings, without the name of who approved it."""
    limits = {
        LEAST: house.least_price,
        MOST: house.most_price,
        MARGIN: _of_price(house.margin_floor, house.margin_of == OF_PRICE),
        RIVAL_LOW: house.competitor_low,
        RIVAL_HIGH: house.competitor_high,
        STEP: house.guard.step,
        BAND: house.guard.band,
    }
    for name, limit in limits.items():
        if limit is None:
            continue
        values = rows[name].to_numpy(float)
        if name == MARGIN:
            basis = rows[MARGIN_OF].where(rows[MARGIN_OF].notna(), house.margin_of)
            values = _of_price(values, (basis == OF_PRICE).to_numpy())
        looser = values < limit if name in LOWER_IS_LOOSER else values > limit
        rule = f"a rule that is looser than the settings ({limit:g}) carries a name in {APPROVED_BY}"
        unnamed = looser & rows[APPROVED_BY].isna().to_numpy()
        yield from broken(rows, unnamed, name, rule, "tighten it, or name who approved it")


def _of_price(share: float | np.ndarray, of_price: bool | np.ndarray) -> np.ndarray:
    """Return margin floors as shares of the price: m / (1 + m) for a share m of the cost."""
    return np.asarray(np.where(of_price, share, np.asarray(share) / (1 + np.asarray(share))))
