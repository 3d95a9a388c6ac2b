"""Published data sets and people's own folders, read in the layout in which they are published.

No networks and no training; each file yields clips.
"""
