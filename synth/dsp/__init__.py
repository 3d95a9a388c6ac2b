"""Pure functions on sound: numpy and scipy in, numpy out.

No files, no torch, no network weights, nothing of the layers above.
"""
