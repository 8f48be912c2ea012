"""What Prefect runs: one file a flow. The folders are subjects that know no Prefect."""
