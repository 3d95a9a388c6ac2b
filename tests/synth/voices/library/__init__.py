"""Tests of synth.voices.library."""
