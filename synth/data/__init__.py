"""Corpora in their published layouts, and scenes that we render ourselves.

Nothing that serves imports it.
"""
