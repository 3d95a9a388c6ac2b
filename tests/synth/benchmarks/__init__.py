"""Tests of synth.benchmarks."""
