"""Running it: schedules and the services behind the flows."""
