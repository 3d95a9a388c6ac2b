"""The voices, a folder each: frames to controls to waveform.

No queue, no database, no training; what voices share stands in base.py.
"""
