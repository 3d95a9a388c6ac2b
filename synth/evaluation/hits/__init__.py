"""How hits are judged on real clips, beside baselines and ceilings.

Nothing imports it but the command line.
"""
