"""Tests of synth.models."""
