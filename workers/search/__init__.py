"""What is kept for finding results: vectors, their cache in memory, words, indexing of older jobs.

No network is run here.
"""
