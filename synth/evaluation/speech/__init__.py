"""How speech is judged: intelligibility, quality, word errors by two recognisers, baselines.

Nothing imports it but the command line.
"""
