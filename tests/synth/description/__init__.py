"""Tests of synth.description."""
