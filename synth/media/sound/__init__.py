"""Sound as it is delivered: true peak, limiting, music beds, recordings of many kinds.

No synthesis.
"""
