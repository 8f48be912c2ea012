"""Benchmark: milliseconds of one price, in this process and from a server beside a bare one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from conf import Settings
from expectations.columns import PRICE, SERIES
from tasks.bench.model_server import ModelServer, body_of, serving, write_empty
from tasks.governance.champion import HEAD
from tasks.pricing.price_list import in_force
from tasks.runtime import champion_aliases
from tasks.runtime.track.model_files import copy_files, registered_version

WARM_UP = 50  # requests that do not count: imports, caches, the first connection
DEAREST, CHEAPEST = 1.1, 0.9  # prices of the requests, over those at the end of the training


class Figures(NamedTuple):
    """Milliseconds of a request: median and 99th percentile."""

    p50: float
    p99: float


def bench_serve(
    settings: Settings, version: int | None, requests: int, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Time the next price of one product of a registered policy.

    The servers run at the same time and answer in turn, so that whatever else the machine does slows all of
    them. The bare one has an empty model of the same signature, by which MLflow checks every request; what
    that check takes shows beside a third one, whose empty model has none.

    Args:
        settings: whose store holds the policy.
        version: of `pricing_policy`; none: the champion, or the candidate if nothing was promoted.
        requests: that are timed, in each way.
        folder: where the models lie meanwhile.
        say: shows a line about every way.

    Raises:
        ModelError: there is no such version.
        ServerError: a server does not start, or refuses a request.
    """
    number, model = champion_aliases.chosen(settings, HEAD, version)
    products = len(model.policy.market)
    say(f"{HEAD} version {number}: {products} products")
    rows = _rows(model.policy, requests)
    inside = _in_process(model, rows)
    say(f"in this process: p50 {inside.p50:.3f} ms, p99 {inside.p99:.3f} ms")
    served = folder / "served"
    served.mkdir()
    copy_files(settings, registered_version(HEAD, number), served)
    counts = {"version": number, "products": products, "requests": requests}
    return {**counts, "in_process_ms": inside._asdict(), **_served(served, rows)}


def _served(model: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what requests take from the server of a model and from two of empty models."""
    folder = model.parent
    empty, unchecked = write_empty(folder / "empty", model), write_empty(folder / "unchecked")
    with (
        serving(model, folder) as policy,
        serving(empty, folder) as bare,
        serving(unchecked, folder) as free,
    ):
        taken, least, free_of_checks = _in_turn([policy, bare, free], [body_of([row]) for row in rows])
        return {
            "served_ms": taken._asdict(),
            "bare_ms": least._asdict(),
            "unchecked_ms": free_of_checks._asdict(),
            "ratio": {"p50": taken.p50 / least.p50, "p99": taken.p99 / least.p99},
            "ready_seconds": policy.ready_seconds,
            "megabytes": policy.megabytes(),
            "bare_ready_seconds": bare.ready_seconds,
            "bare_megabytes": bare.megabytes(),
        }


def _rows(policy: Any, requests: int) -> list[dict[str, Any]]:
    """Return requests of one product each, over the whole market and around the prices in force."""
    table = in_force(policy)
    rng = np.random.default_rng(0)
    rows = list(islice(cycle(table.to_dict("records")), requests + WARM_UP))
    factors = rng.uniform(CHEAPEST, DEAREST, len(rows))
    return [
        {**{name: row[name] for name in SERIES}, PRICE: row[PRICE] * factor}
        for row, factor in zip(rows, factors.tolist(), strict=True)
    ]


def _in_process(model: Any, rows: list[dict[str, Any]]) -> Figures:
    seconds = []
    for row in rows:
        product, store, price = row.values()
        start = time.perf_counter()
        model.price(product, store, price)
        seconds.append(time.perf_counter() - start)
    return _figures(seconds)


def _in_turn(servers: Sequence[ModelServer], bodies: Sequence[bytes]) -> list[Figures]:
    """Send every request to every server, each the first one in turn, and return what they take."""
    seconds: list[list[float]] = [[] for _ in servers]
    for number, body in enumerate(bodies):
        for place in range(len(servers)):
            turn = (number + place) % len(servers)
            seconds[turn].append(servers[turn].seconds(body))
    return [_figures(times) for times in seconds]


def _figures(seconds: list[float]) -> Figures:
    p50, p99 = np.percentile(1000 * np.array(seconds[WARM_UP:]), (50, 99)).tolist()
    return Figures(p50, p99)
