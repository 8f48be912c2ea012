"""Experiments: design, analysis and the gates of a candidate."""
