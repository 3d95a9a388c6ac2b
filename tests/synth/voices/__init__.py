"""Tests of synth.voices."""
