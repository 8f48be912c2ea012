"""What a run stands on: tracking, attempts, artifacts, tuning, workers, memory and seeds."""
