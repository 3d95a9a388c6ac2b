"""Media files: decoding, probing, writing and remuxing, all through one guarded ffmpeg."""
