"""What Prefect runs (stages, operations), the subjects they introduce to each other, and what a run stands on."""
