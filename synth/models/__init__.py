"""Neural networks, one file a published system; they know tensors and no files."""
