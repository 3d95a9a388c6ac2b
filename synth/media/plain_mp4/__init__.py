"""The commonest clip, an mp4 with H.264 and nothing odd in it, looked at in this process: no child, nothing decoded.

Whatever is not plain in every respect is ffmpeg's to look at. No table or sample is believed before it was checked.
"""
