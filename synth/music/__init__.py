"""Suggestions out of a person's own folder of music, and a track laid under a result.

No job, no database; the folder is read, never written.
"""
