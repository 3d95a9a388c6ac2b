"""Recipes and data of the hits voice.

Never imports evaluation.
"""
