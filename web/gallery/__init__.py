"""Results as a collection, over HTTP: lists, their live state, what is done to several, links for people without a key.

What one job is and tells stands in ``web.api``; what all pages share in ``web.pages``.
"""
