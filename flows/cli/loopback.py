"""Servers on this machine are reached directly, whatever proxy the machine uses for others."""

from __future__ import annotations

from collections.abc import MutableMapping

LOOPBACK = ("127.0.0.1", "localhost")
NAMES = ("no_proxy", "NO_PROXY")  # libraries read the first, some only the second


def bypass_proxies(environment: MutableMapping[str, str]) -> None:
    """Add this machine to the hosts that are reached without a proxy; those that are named already stay.

    ``*`` stays alone: it already means every host.
    """
    lower, upper = (environment.get(name, "") for name in NAMES)
    for name, hosts in zip(NAMES, (lower or upper, upper or lower), strict=True):
        named = [host.strip() for host in hosts.split(",") if host.strip()]
        if "*" not in named:
            environment[name] = ",".join([*named, *(host for host in LOOPBACK if host not in named)])
