"""What holds of a guarded list, written again in plain Python with decimals; no code is the guard's.

Every row is a mapping of its values: ``wanted``, what is known of the product, its rules, and what the guard
returned, ``price`` and ``action`` (``leave out``, ``hold``, ``raise``, ``lower``) with ``binding``, the names
of the rules. A price that moved is checked to the last digit of the float's decimal; bounds that rest on
measured prices (step, band, competitor) and a price in force may miss by a ten-thousandth of a minor unit; a
price in force of less than half of that is none.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

Row = Mapping[str, Any]
DIGITS = 60  # of the decimals
LARGEST = 10**11  # minor units of a price
LIST_RULES = {"pack order", "price index", "change budget"}
UNIT_NEAR = Fraction(1, 10**11)  # relative; prices per unit that differ by less are equal
INDEX_NEAR = 1e-7  # of the log index


def violations(rows: Sequence[Row], change_share: float, index: tuple[float, float]) -> Counter[str]:
    """Return how often every claim of the guard is broken by a list; nothing where all hold.

    Args:
        rows: of the list.
        change_share: most of the products that may change.
        index: lowest and highest log change of the price index.
    """
    broken: Counter[str] = Counter()
    with localcontext() as context:
        context.prec = DIGITS
        for row in rows:
            broken.update(_of_row(row))
    broken.update(_of_list(rows, change_share, index))
    return broken


def _of_row(row: Row) -> Iterator[str]:
    """Yield the claims that a row breaks."""
    action, price, in_force = row["action"], row["price"], _in_force(row)
    outside = in_force is None or _hard_broken(row, in_force, slack=_slack(row))
    if action == "leave out":
        if not math.isnan(price):
            yield "a product that is left out has no price"
        if (
            in_force is not None
            and in_force > _slack(row)
            and not _hard_broken(row, in_force, slack=-_slack(row))
        ):
            yield "a product is left out only where its price in force is outside"
        return
    if outside and action == "hold":
        yield "a price outside a hard bound is never held in the list"
    if action == "hold":
        if price != row["in_force"]:
            yield "a price that holds is the price in force"
        if _must_move(row, in_force):
            yield "a wanted price that is finite and inside is accepted"
        return
    yield from _of_move(row, _price(price, row), in_force, _comes_back(row))


def _of_move(row: Row, price: Decimal | None, in_force: Decimal | None, outside: bool) -> Iterator[str]:
    """Yield the claims that a price that moved breaks."""
    if price is None or in_force is None:
        yield "a new price is a finite amount above 0"
        return
    if (row["action"] == "raise") != (price > in_force):
        yield "a raise is above the price in force, a cut below it"
    if (price * 10 ** int(row["decimals"])) % 1:
        yield "a new price has the decimals of its currency"
    if _faulty(row, in_force):
        yield "a new price rests on values that are amounts, and on a floor"
    if _hard_broken(row, price, slack=Decimal(0)):
        yield "a new price is inside every hard bound"
    if row["announced"]:
        yield from _of_announced(row, price)
    elif _soft_broken(row, price, in_force):
        yield "a new price is inside step, band and competitor index"
    elif not outside and not _ends(row, price):
        yield "a new price has an allowed ending"


def _of_announced(row: Row, price: Decimal) -> Iterator[str]:
    """Yield the claims that an announced price breaks."""
    if price != Decimal(repr(row["wanted"])):
        yield "an announced price is not changed"
    prior = _price(row["prior"], row)
    if prior is not None and price >= prior:
        yield "an announced price is below the lowest of the 30 days before"
    if row["prior_unknown"] and row["action"] == "lower":
        yield "an announced reduction rests on a known price of the 30 days before"


def _must_move(row: Row, in_force: Decimal | None) -> bool:
    """Return whether a wanted price has nothing against it, although its row holds."""
    wanted = _price(row["wanted"], row)
    if wanted is None or in_force is None or abs(wanted - in_force) <= _slack(row):
        return False
    if row["announced"] or LIST_RULES & set(row["binding"].split(" and ")) or _faulty(row, in_force):
        return False
    if (wanted * 10 ** int(row["decimals"])) % 1 or not _ends(row, wanted):
        return False
    margin = _slack(row)
    near = [wanted - margin, wanted + margin]
    return not _hard_broken(row, wanted, Decimal(0)) and not any(
        _soft_broken(row, value, in_force, slack=Decimal(0)) for value in near
    )


def _hard_broken(row: Row, price: Decimal, slack: Decimal) -> bool:
    """Return whether a price is outside a hard bound whose value is an amount, by more than a slack."""
    least, most, fixed, advertised, cost = (
        _price(row[name], row) for name in ("least", "most", "fixed", "advertised", "cost")
    )
    lows = [bound for bound in (least, fixed, advertised, _floor(row, cost)) if bound is not None]
    highs = [bound for bound in (most, fixed) if bound is not None]
    return any(price < low - slack for low in lows) or any(price > high + slack for high in highs)


def _floor(row: Row, cost: Decimal | None) -> Decimal | None:
    """Return the margin floor; none without a cost."""
    if cost is None:
        return None
    share = Decimal(repr(float(row["margin"])))
    return cost / (1 - share) if row["margin_of_price"] else cost * (1 + share)


def _soft_broken(row: Row, price: Decimal, in_force: Decimal, slack: Decimal | None = None) -> bool:
    """Return whether a price is outside a bound that holds the price in force."""
    slack = _slack(row) if slack is None else slack
    step, band = Decimal(repr(float(row["step"]))), Decimal(repr(float(row["band"])))
    recent = [_price(row[name], row) or in_force for name in ("recent_low", "recent_high")]
    low, high = (1 - step) * max(recent[1], in_force), (1 + step) * min(recent[0], in_force)
    if price < low - slack or price > high + slack:
        return True
    reference = _price(row["reference"], row) or in_force
    bounds = [((1 - band) * reference, (1 + band) * reference)]
    rival = _price(row["competitor"], row)
    for name, sign in (("competitor_low", -1), ("competitor_high", 1)):
        if rival is not None and not math.isnan(row[name]):
            bound = Decimal(repr(float(row[name]))) * rival
            bounds.append((bound, Decimal("inf")) if sign < 0 else (Decimal(0), bound))
    return any(
        price < min(low, in_force) - slack or price > max(high, in_force) + slack for low, high in bounds
    )


def _faulty(row: Row, in_force: Decimal) -> bool:
    """Return whether a value is given that is no amount, or the margin floor is missing."""
    names = ["least", "most", "fixed", "advertised", "reference", "recent_low", "recent_high", "cost"]
    if not (math.isnan(row["competitor_low"]) and math.isnan(row["competitor_high"])):
        names.append("competitor")
    if any(not math.isnan(row[name]) and _price(row[name], row) is None for name in names):
        return True
    cost = _price(row["cost"], row)
    if cost is None:
        return math.isnan(row["least"]) and math.isnan(row["fixed"]) and not row["unprotected"]
    return bool(row["stale"]) or cost >= in_force


def _ends(row: Row, price: Decimal) -> bool:
    """Return whether a price ends as its row wants."""
    digits = str(int(price * 10 ** int(row["decimals"]))).zfill(5)
    return not row["endings"] or any(digits.endswith(ending) for ending in row["endings"].split("|"))


def _price(value: float, row: Row) -> Decimal | None:
    """Return an amount as the decimal that it is printed as; none where it is no price."""
    if not math.isfinite(value) or value <= 0 or value * 10 ** int(row["decimals"]) > LARGEST:
        return None
    return Decimal(repr(float(value)))


def _in_force(row: Row) -> Decimal | None:
    """Return the price in force; none where it is no price, or less than what is measured of one."""
    price = _price(row["in_force"], row)
    return None if price is None or 2 * price < _slack(row) else price


def _slack(row: Row) -> Decimal:
    return Decimal(1).scaleb(-int(row["decimals"]) - 4)


def _of_list(rows: Sequence[Row], change_share: float, index: tuple[float, float]) -> Iterator[str]:
    """Yield the claims that a list breaks as a whole."""
    moved = [row for row in rows if row["action"] in ("raise", "lower")]
    free = [row for row in moved if not row["announced"] and not _comes_back(row)]
    if len(moved) > change_share * len(rows) + 1e-9 and free:
        yield "a list changes at most its share of prices"
    change = math.fsum(
        row["weight"] * math.log(row["price"] / row["in_force"]) for row in moved if not row["announced"]
    )
    raised, lowered = (any(row["action"] == action for row in free) for action in ("raise", "lower"))
    if (change > index[1] + INDEX_NEAR and raised) or (change < index[0] - INDEX_NEAR and lowered):
        yield "a list stays in the band of its price index"
    yield from _dearer(rows)


def _dearer(rows: Iterable[Row]) -> Iterator[str]:
    """Yield every larger pack that the list made dearer per unit than the next smaller one."""
    families = defaultdict(list)
    for row in rows:
        if row["family"] >= 0 and _in_force(row) is not None:
            families[row["family"]].append(row)
    for packs in families.values():
        packs.sort(key=lambda row: row["size"])
        for small, large in pairwise(packs):
            units = [Fraction(_charged(row)) / Fraction(row["size"]) for row in (small, large)]
            cut, risen = small["action"] == "lower", large["action"] == "raise"
            worse = (cut and _free(small)) or (risen and _free(large))
            if units[1] > units[0] * (1 + UNIT_NEAR) and worse:
                yield "a larger pack is not made dearer per unit"


def _charged(row: Row) -> float:
    return float(row["price"] if row["action"] in ("raise", "lower") else row["in_force"])


def _free(row: Row) -> bool:
    return not row["announced"] and not _comes_back(row)


def _comes_back(row: Row) -> bool:
    """Return whether the price in force of a row is outside a hard bound, or at it."""
    in_force = _in_force(row)
    return in_force is None or _hard_broken(row, in_force, slack=-_slack(row))
