"""``python -m flows.cli``: the command ``repricer``."""

from flows.cli.app import main

main()
