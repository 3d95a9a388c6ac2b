"""Media files: decoding, probing, writing and remuxing, all through one guarded ffmpeg.

No networks, no torch; the only room that starts a child.
"""
