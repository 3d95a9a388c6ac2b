"""Animals' voices and movements.

People are a family of their own.
"""
