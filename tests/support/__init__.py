"""What several tests share: clips made on the spot, servers, voices that need no weights.

No test in here.
"""
