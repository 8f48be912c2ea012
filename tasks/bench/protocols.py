"""Published protocols of forecasting benchmarks: which weeks are known, and which are forecast."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tasks.demand.splits import Fold


class ProtocolError(ValueError):
    """Rounds that a protocol does not have, or that the data does not hold."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Rounds of a benchmark; a round is trained anew, or from earlier rounds only.

    Attributes:
        first_week: date of week 1.
        first_origin: last known week of round 0.
        step: weeks from one round to the next.
        gap, horizon: weeks between the last known week and the first target; targets.
        rounds: number of rounds.
    """

    first_week: pd.Timestamp
    first_origin: int
    step: int
    gap: int
    horizon: int
    rounds: int

    def folds(self, dates: pd.DatetimeIndex, first: int, last: int) -> tuple[Fold, ...]:
        """Return the folds of some rounds; rounds before the first are known to it and may be fitted on.

        Args:
            dates: first days of the periods of the data.
            first, last: rounds, both included.

        Raises:
            ProtocolError: the data does not hold the weeks of a round.
        """
        folds = []
        for number in range(first, last + 1):
            week = self.first_origin + self.step * number
            origin = (self.first_week - dates[0]).days // 7 + week - 1
            begin = origin + 1 + self.gap
            if origin < 0 or begin + self.horizon > len(dates):
                raise ProtocolError(
                    f"protocol: round {number} forecasts weeks {week + 1 + self.gap} to "
                    f"{week + self.gap + self.horizon}. Received: data from {dates[0]:%Y-%m-%d} to "
                    f"{dates[-1]:%Y-%m-%d}. Choose earlier rounds, or bring later weeks."
                )
            folds.append(Fold(number, origin, slice(begin, begin + self.horizon), held_out=number >= 1))
        return tuple(folds)


PROTOCOLS = {
    # github.com/microsoft/forecasting, TSPerf OrangeJuice_Pt_3Weeks_Weekly: round i knows weeks to 133 + 2 i
    "orange_juice": Protocol(
        first_week=pd.Timestamp("1989-09-14"), first_origin=133, step=2, gap=1, horizon=2, rounds=12
    ),
}
