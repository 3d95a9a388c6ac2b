"""The HTTP API under /v1: jobs, batches, events, search, its schemas and its errors.

Parses and answers; the life of a job is in workers, and no tensor comes in here.
"""
