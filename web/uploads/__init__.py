"""From bytes on the wire to a job in the queue: multipart, spool, options form, submission.

The one way in, for API and pages alike; no answer is rendered here.
"""
