"""The catalogue: what sounds there are, and how each is computed at any length and rate.

No torch, no files and no pictures come in: who looks at a video hands over curves and onsets.
"""
