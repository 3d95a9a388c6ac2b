"""Parts of what :mod:`workers.jobs` and :mod:`workers.leases` ask of the table of jobs: conditions, rows, what follows.

No transaction begins here: whoever calls holds one.
"""
