"""Scores in the life of a job: drafts with their versions, takes rendered from them, and what a worker does for that.

What a score is and how it becomes sound is the library's; no HTTP."""
