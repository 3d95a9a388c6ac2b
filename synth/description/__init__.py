"""What the audio-visual nets say of a result: tags, textures, where its sound comes from, embeddings.

Reads weights and media; makes no sound, knows no job and no database.
"""
