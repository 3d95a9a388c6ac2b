"""Webhooks: what happened to jobs, told to addresses that their owners named, signed, until it has arrived.

Knows jobs as rows; nothing of the web, and nothing of who may name an address.
"""
