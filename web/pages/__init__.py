"""The pages: views, log-in, template filters, sentences; templates and static files beside them.

All of it works with plain forms; nothing here knows SQL or the broker.
"""
