"""The life of a job: what a job is, where its files lie, who runs it. Knows the library below, nothing of the web."""
