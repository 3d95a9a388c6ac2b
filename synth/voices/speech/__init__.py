"""The speech voice: the face that talks, its lips, mel spectra, sound.

No training; no text is understood here.
"""
