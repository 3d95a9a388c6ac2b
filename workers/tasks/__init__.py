"""What a worker process does: claim, fetch, sound, describe, store, finish; questions of the web.

The only room of the server that imports the pipeline.
"""
