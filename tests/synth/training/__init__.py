"""Tests of synth.training."""
