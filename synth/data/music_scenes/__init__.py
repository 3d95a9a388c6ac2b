"""Composed music with drawn videos that go with it, for training the music matcher.

No recordings; everything is made from a seed.
"""
