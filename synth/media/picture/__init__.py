"""How pictures of unusual kinds become ordinary ones: filters and coders for animated pictures and for HDR.

Arguments for ffmpeg only; nothing here starts a child.
"""
