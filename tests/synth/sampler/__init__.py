"""Tests of synth.sampler."""
