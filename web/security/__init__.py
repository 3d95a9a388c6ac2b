"""Who is asking and what a browser may do: keys, sessions, form tokens, headers.

Nothing of jobs.
"""
