"""What a file says beside picture and sound: tags, side data, boxes; read, compared, carried over to the result.

Decodes nothing, and changes no picture and no sound.
"""
