"""HTTP: the API under /v1 and the pages. No tensors here, and nothing that loads torch."""
