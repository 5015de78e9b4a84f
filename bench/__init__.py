"""The benchmarks: every claim of speed as a ratio, both terms measured in one run."""
