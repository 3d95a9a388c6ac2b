"""Drawn scenes of sounding and silent things at known places, with exact boxes.

No networks; everything is made from a seed, or from recordings that are handed in.
"""
