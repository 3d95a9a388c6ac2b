"""Metrics, the report that puts floors and ceilings beside them, and benchmarks."""
