"""Benchmarks: speed, memory and accuracy, measured against known answers and peers."""
