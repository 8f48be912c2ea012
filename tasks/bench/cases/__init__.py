"""The worlds of the benchmarks: problems, shops and logs whose answers are known."""
