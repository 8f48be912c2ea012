"""Demand: features, forecasts, their blend, and the response to price."""
