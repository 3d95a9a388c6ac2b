"""How ambient sound is judged: classifiers, likelihood, the selector, beside floors and ceilings.

Nothing imports it but the command line.
"""
