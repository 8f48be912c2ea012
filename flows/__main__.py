"""``python -m flows``: the command ``repricer``."""

from flows.cli import main

main()
