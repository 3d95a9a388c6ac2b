"""Recipes and data of the ambient voice: SampleRNN, its selector and the variants trained on videos.

Never imports evaluation.
"""
