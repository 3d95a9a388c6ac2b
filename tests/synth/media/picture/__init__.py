"""Tests of synth.media.picture."""
