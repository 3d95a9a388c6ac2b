"""Results as a collection: what was made, lists of it in every order, favourites, links for people without a key.

No files and nothing of the web; what a single job is and does is below.
"""
