"""Batches in detail: items of a request or a manifest become jobs or refusals; results as an archive and as a table.

The routes are in :mod:`web.api.batches`.
"""
