"""Clips before and beside their jobs: uploads in pieces, clips that several jobs share, clips that wait.

No bytes on the wire here, and no HTTP: what a request says is read in :mod:`web.uploads`.
"""
