"""Tests of synth.voices.ambient.prompting."""
