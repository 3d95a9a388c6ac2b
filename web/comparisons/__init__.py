"""Real or generated: pairs of clips to vote on, permissions of owners, figures.

No media are made here.
"""
