"""Rendered scenes of a stick that strikes and scratches materials, with exact contact times and sounds.

No networks; everything is made from a seed.
"""
