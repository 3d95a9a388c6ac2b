"""A person's own recordings as a voice: indexing, matching, laying them under a picture.

The recordings stay where they are; no network is trained here.
"""
