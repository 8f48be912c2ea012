"""Run a module as a process that ends with the one that started it, however that one ends.

Use: ``python infra/child.py mlflow ui --port 5000``
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
    """Run the module that the first argument names, with the others."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    sys.argv = sys.argv[1:]
    sys.path.pop(0)  # the folder of this file, which is no place of modules
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os.kill(os.getpid(), signal.SIGTERM)  # MLflow hands it on to its server


if __name__ == "__main__":
    main()
