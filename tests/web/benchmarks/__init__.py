"""Tests of web.benchmarks."""
