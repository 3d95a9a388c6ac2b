"""The sounds themselves, a folder a family; each module exports ``CLASSES``.

No engine and no shared part is written here.
"""
