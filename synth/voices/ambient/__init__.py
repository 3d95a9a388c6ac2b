"""The ambient voice: what the picture shows and how it moves to a chosen sound, made sample by sample.

No training, no files but weights.
"""
