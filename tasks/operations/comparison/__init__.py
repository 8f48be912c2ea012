"""A candidate beside the champion: what both reached, what their lists do, how a person reads it."""
