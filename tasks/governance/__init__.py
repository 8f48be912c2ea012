"""Governance: who approved what, when and why."""
