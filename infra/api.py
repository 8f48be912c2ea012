"""A Prefect API on loopback that lives exactly as long as somebody uses it.

Prefect's own ephemeral server outlives a killed parent. This one ends with the process that started it, or
with the last of the processes that hold a lock on a file:

    python -m infra.api --port 4300 --parent 1234
    python -m infra.api --port 4300 --users var/default/prefect/api.lock

Its password stands in the environment.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path

PASSWORD = "PREFECT_SERVER_API_AUTH_STRING"
"""User and password, joined by a colon: in the environment, for command lines are seen by everybody."""
ORIGINS = "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_END = 5.0


def main() -> None:
    """Serve until the parent, or the last user, is gone."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--port", type=int, required=True, help="free port on 127.0.0.1")
    lifetime = arguments.add_mutually_exclusive_group(required=True)
    lifetime.add_argument("--parent", type=int, help="process that started this one, to end with")
    lifetime.add_argument("--users", type=Path, help="file that users hold a shared lock on")
    arguments.add_argument("--open", action="store_true", help="ask for no password, as a test may")
    given = arguments.parse_args()
    login = os.environ.get(PASSWORD)
    if not (login or given.open):
        arguments.error(f"without a password everybody on this machine commands it: set {PASSWORD}")
    os.environ[ORIGINS] = f"http://127.0.0.1:{given.port}"
    watch = partial(_end_without_users, given.users) if given.users else partial(_end_with, given.parent)
    threading.Thread(target=watch, daemon=True).start()

    from flows.cli.prefect_database import prepared

    with prepared(given.users and given.users.parent):
        import uvicorn
        from prefect.server.api.server import create_app

    from infra.access import Guarded

    app = Guarded(create_app(), given.port, login)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="error", timeout_graceful_shutdown=1)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(0)


def _end_without_users(users: Path) -> None:
    """End this process when nobody holds the file; who comes meanwhile waits for it to be gone."""
    with users.open("a") as lock:
        while not _taken(lock.fileno()):
            time.sleep(SECONDS_BETWEEN_LOOKS)
        lock.truncate(0)
        os.kill(os.getpid(), signal.SIGTERM)  # uvicorn ends its services in order
        time.sleep(SECONDS_TO_END)
        os._exit(0)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    main()
