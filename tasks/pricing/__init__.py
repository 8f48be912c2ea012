"""Pricing: the market, the agent and the policies it must beat."""
