"""What is raised where numbers make no market."""


class MarketError(ValueError):
    """Products, rules or actions that make no market."""
