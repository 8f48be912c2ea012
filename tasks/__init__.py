"""What Prefect runs (stages, operations), the subjects that they join, and what a run stands on."""
