"""Tests of synth.search."""
