"""What is seen of the server from outside: counters that outlive processes, log lines with ids, traces.

Nothing here knows what a job does, nor of the web; it is told what happened and keeps it.
"""
