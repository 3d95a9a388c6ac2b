"""Tests of synth.voices.hits."""
