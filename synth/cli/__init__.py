"""The library's verbs of the command line, one file a group; app.py puts them together.

Parses and prints; whatever does work lies in the rooms that it calls.
"""
