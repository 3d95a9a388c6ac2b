"""Recipes, losses and data of the speech voice and of the recogniser that judges it.

Never imports evaluation.
"""
