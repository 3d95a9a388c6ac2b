"""The app as a running server: waitress, health, metrics, and one machine's whole set of programs.

No view of the product itself.
"""
