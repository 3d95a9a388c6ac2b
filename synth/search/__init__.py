"""The vector index and what a query becomes before it is compared.

No database and no HTTP: those stand above.
"""
