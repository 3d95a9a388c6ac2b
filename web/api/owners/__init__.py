"""The API about owners: who am I, my keys, and what administrators see and change of everybody's.

Nothing of jobs' contents: an administrator's own jobs are as anybody's.
"""
