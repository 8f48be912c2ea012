"""What a run stands on: the storage of the ledger, and the aliases that follow it."""
