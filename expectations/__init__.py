"""The contract of the data: vocabulary of columns, the pre-gate, the suites and running them."""
