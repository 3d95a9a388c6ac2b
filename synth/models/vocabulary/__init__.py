"""Word lists: what the names that a network answers with say of materials, scenes and modes.

Tables and look-ups only; no tensors, no files.
"""
