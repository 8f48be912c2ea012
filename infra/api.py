"""A Prefect API on loopback that lives exactly as long as the process that started it.

Prefect's own ephemeral server outlives a killed parent. This one watches its parent and ends with it:

    python -m infra.api --port 4300
"""

from __future__ import annotations

import argparse
import os
import threading
import time

SECONDS_BETWEEN_LOOKS = 0.5


def main() -> None:
    """Serve until the parent is gone."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--port", type=int, required=True, help="free port on 127.0.0.1")
    arguments.add_argument("--parent", type=int, default=os.getppid(), help="process to end with")
    given = arguments.parse_args()
    threading.Thread(target=_end_with, args=(given.parent,), daemon=True).start()

    import uvicorn
    from prefect.server.api.server import create_app

    uvicorn.run(
        create_app(), host="127.0.0.1", port=given.port, log_level="error", timeout_graceful_shutdown=1
    )


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(0)


if __name__ == "__main__":
    main()
