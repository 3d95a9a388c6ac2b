"""Pure figures: arrays in, numbers out, used by training and evaluation alike.

Imports numpy, scipy and synth.dsp; no files, no networks, no torch models.
"""
