"""The ambient voice: what the picture shows and how it moves, to up to three sounds of a catalogue, or to a learnt one.

No training, no files but weights.
"""
