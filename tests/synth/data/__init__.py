"""Tests of synth.data."""
