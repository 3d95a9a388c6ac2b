"""The hits voice: frames to hits with time, strength and material, hits to sound.

No training; torch is loaded only to look at a picture.
"""
