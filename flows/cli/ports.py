"""Ports of this machine."""

from __future__ import annotations

import socket


def require_free(port: int) -> None:
    """Refuse a port on 127.0.0.1 that cannot be listened to.

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
                "Choose another with --port NUMBER"
            ) from None
