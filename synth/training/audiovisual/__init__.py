"""Recipes and data of the nets that learn from sound and sight, one file a system.

Never imports evaluation.
"""
