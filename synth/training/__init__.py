"""One training loop; a folder of recipes a voice.

Never imports evaluation; nothing that serves imports it.
"""
