"""Ports of this machine."""

from __future__ import annotations

import socket
from contextlib import suppress


def require_free(port: int, option: str = "--port") -> None:
    """Refuse a port on 127.0.0.1 that cannot be listened to; ``option`` is what another one is given by.

    Raises:
        OSError: another server has it, or this user may not.
    """
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # what a server left behind does not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise OSError(
                f"port {port} on 127.0.0.1 cannot be used: {error.strerror}. "
                f"Choose another with {option} NUMBER"
            ) from None


def free_port(preferred: int = 0) -> int:
    """Return the preferred port where it is free on 127.0.0.1, else another one that is."""
    for port in (preferred, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no port on 127.0.0.1 is free")
