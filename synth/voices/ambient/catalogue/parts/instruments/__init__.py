"""Parts of instruments: modes, plates, strings, pipes and which note comes next.

Which instrument plays is said in the families.
"""
