"""The way to the workers: the Celery application, notifications that may be lost, the broker's client.

What the work is stands in the database; nothing here that could not be lost.
"""
