"""Results as a collection, over HTTP."""
