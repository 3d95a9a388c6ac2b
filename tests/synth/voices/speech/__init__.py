"""Tests of synth.voices.speech."""
