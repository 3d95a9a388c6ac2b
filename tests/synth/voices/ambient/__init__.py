"""Tests of synth.voices.ambient."""
