"""The shapes of the API as pydantic models: they check requests, and the OpenAPI document is made from them.

Never in here: views, and anything that speaks to a database or a storage.
"""
