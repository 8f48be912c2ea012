"""Run a module as a process that ends with the one that started it, however that one ends.

Use: ``python infra/child.py PARENT mlflow ui --port 5000``, where ``PARENT`` is the id of that process. It is
an argument, for a parent may be dead before its child can ask for it.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

SECONDS_BETWEEN_LOOKS = 0.5


def main() -> None:
    """Run the module that the second argument names, with those after it."""
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    sys.argv = sys.argv[2:]
    sys.path.pop(0)  # the folder of this file, which is no place of modules
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os.kill(os.getpid(), signal.SIGTERM)  # MLflow hands it on to its server


if __name__ == "__main__":
    main()
