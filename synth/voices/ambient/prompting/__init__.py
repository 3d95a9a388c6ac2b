"""What a person asks for in words, as layers of the catalogue: names, knobs, times; and what is to be left out.

Imports no torch and nothing of the picture, so that the web can say how a sentence is read before it is sent.
"""
