"""Tests of synth.pipeline."""
