"""Webhooks over HTTP: endpoints as a resource, their deliveries, replays and tests.

The steps that the page takes as well; what is sent, and to whom, is below in the life of a job.
"""
