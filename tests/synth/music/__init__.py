"""Tests of synth.music."""
