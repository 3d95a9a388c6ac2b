"""Who the server works for: keys and their scopes, quotas, fair turns, how long results are kept.

Nothing of HTTP.
"""
