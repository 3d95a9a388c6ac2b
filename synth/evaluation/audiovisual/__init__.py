"""How the nets that learn from sound and sight are judged, one file a system.

Nothing imports it but the command line.
"""
