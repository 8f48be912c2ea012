"""What a retraining runs, in its order; a stage is what Prefect runs."""
