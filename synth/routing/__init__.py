"""Mode `auto`: which voice a clip wants, with reasons, and voices joined where the clip changes.

Looks at pictures and chooses; makes no sound of its own.
"""
