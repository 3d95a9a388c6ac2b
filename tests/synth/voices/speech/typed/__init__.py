"""Tests of synth.voices.speech.typed."""
