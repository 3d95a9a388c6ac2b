"""Tests of synth.licences."""
