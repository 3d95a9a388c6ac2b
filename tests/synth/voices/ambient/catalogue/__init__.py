"""Tests of synth.voices.ambient.catalogue."""
