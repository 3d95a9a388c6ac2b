"""Which licence a recording is under and whose it is, as far as anybody says so in words, lists or tags.

No network, no torch, no sound: nothing here decodes audio or decides what may be done with a recording.
"""
