"""What was charged before an announced reduction, as far back as that is known without a gap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from expectations.columns import DATE, PERIOD_DAYS, PRICE, SERIES
from tasks.governance.announced import START
from tasks.governance.shelf_prices import PRIOR_DAYS, PRIOR_PRICE, prior_prices

DAY, WINDOW = pd.Timedelta(days=1), pd.Timedelta(days=PRIOR_DAYS)
Span = tuple[pd.Timestamp, pd.Timestamp]  # first and last local day of which a source knows prices


@dataclass(frozen=True)
class PriceHistory:
    """What is known of the prices that a shop charged.

    Attributes:
        period: for which a row of market and sales holds, ``D`` or ``W``.
        market: product, store, date and price in force of the last period of the training (currency/unit).
        sales: sales table; none: none is given.
        charged: returns product, store, date and price that published lists charged on a local day and
            later; none: nothing was published.
    """

    period: str
    market: pd.DataFrame
    sales: pd.DataFrame | None = None
    charged: Callable[[pd.Timestamp], pd.DataFrame] | None = None

    def prior_prices(self, starts: pd.DataFrame) -> pd.DataFrame:
        """Return product, store and ``prior_price`` where all of the 30 days before a start are known.

        They are known where sales and published lists cover them without a gap, whatever product it is of
        which they tell. A product that they have not from the first of these days on is new: the days since
        it was first sold or published count.

        Args:
            starts: product, store and ``start``, the first local date of the announcement.
        """
        tables = list(self._tables(starts[START].min() - WINDOW))
        spans = [self._span(table) for table in tables]
        if self.charged is not None:
            spans[-1] = (spans[-1][0], starts[START].max())  # a list holds until the next one
        known = starts[starts[START].map(lambda start: _known_since(start, spans) <= start - WINDOW)]
        if known.empty:
            return known[SERIES].assign(**{PRIOR_PRICE: float("nan")})
        return prior_prices(pd.concat(tables), known)

    def _tables(self, begin: pd.Timestamp) -> Iterator[pd.DataFrame]:
        """Yield product, store, local date and price of training, sales and lists, none of them empty.

        From the day of the first list that has a product, lists alone say what was charged for it.
        """
        published = None if self.charged is None else self.charged(begin)
        for source in (self.market, self.sales):
            if source is None:
                continue
            table = source[[*SERIES, DATE, PRICE]].assign(**{DATE: source[DATE].dt.tz_localize(None)})
            table = table if published is None else _before(table, published)
            if not table.empty:
                yield table
        if published is not None:
            yield published

    def _span(self, table: pd.DataFrame) -> Span:
        """Return the first day of a table, and the last one for which its rows hold."""
        return table[DATE].min(), table[DATE].max() + (PERIOD_DAYS[self.period] - 1) * DAY


def _before(table: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of days before lists had their product (columns as given)."""
    first = published.groupby(SERIES)[DATE].min().reindex(pd.MultiIndex.from_frame(table[SERIES]))
    listed = first.to_numpy() <= table[DATE].to_numpy()
    return table[~listed]


def _known_since(start: pd.Timestamp, spans: list[Span]) -> pd.Timestamp:
    """Return the day from which on prices are known until a start without a gap, the start if none is."""
    since = start
    for first, last in sorted(spans, key=lambda span: span[1], reverse=True):
        if last + DAY >= since:
            since = min(since, first)
    return since
