"""Results as a collection."""
