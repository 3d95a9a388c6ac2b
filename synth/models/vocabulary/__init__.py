"""Word lists: what the names that a network answers with say of materials, scenes, sounds and modes.

Tables and look-ups only; no tensors, and no files but the tables beside them.
"""
