"""What the audio-visual embeddings are used for: retrieval, heat maps, tags, take ranking, suggestions."""
