"""Sonorize's library: silent pictures in, sound out. Tensors and media files only."""
