"""Tests of synth.routing."""
