"""The HTTP API from Python: a client for programs that wait and one for asyncio, with the API's own shapes as models.

Nothing of the server is run here; what a server says is taken as it comes.
"""
