"""One machine's programs: the broker out of its wheel and workers, started, watched, stopped.

The only starter of programs of the server.
"""
