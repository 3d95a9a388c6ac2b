"""Tests of synth.media."""
