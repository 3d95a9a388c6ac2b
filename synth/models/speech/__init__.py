"""Networks that read lips: spectra, words and the predecessor's line spectra; and the recogniser that judges them.

As in the room above, they know tensors; never files, media or weights on disk.
"""
