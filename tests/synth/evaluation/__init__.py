"""Tests of synth.evaluation."""
