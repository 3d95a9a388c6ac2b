"""What the server does in a second on this machine, and how fast a search is.

Used by the command line only.
"""
