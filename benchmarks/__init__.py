"""Benchmarks: each prints a table of ratios against the original, measured in the same run."""
