"""Corpora in their published layouts, and scenes that we render ourselves."""
