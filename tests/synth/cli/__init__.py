"""Tests of synth.cli."""
