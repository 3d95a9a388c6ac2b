"""Neural networks, one file a published system.

They know tensors; never files, media or weights on disk.
"""
