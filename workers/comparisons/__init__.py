"""Real or generated: which results may be compared with the clip's own sound, and what people voted.

Rows only; the files are made by :mod:`workers.tasks.comparisons`.
"""
