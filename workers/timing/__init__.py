"""How long jobs take on these machines, as measured, and who is there to do them.

Nothing that knows what a job's files are, nor of the web; the tables of jobs are below.
"""
