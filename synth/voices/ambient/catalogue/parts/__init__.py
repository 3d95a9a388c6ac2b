"""Signal-processing parts that several sounds share: shaped noise, modes, grains, bubbles, pulses, rooms.

Pure functions of numbers and a generator; no part knows which sound it serves.
"""
