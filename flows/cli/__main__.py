"""``python -m flows.cli``: the command ``repricer``."""

from repricer import main

main()
