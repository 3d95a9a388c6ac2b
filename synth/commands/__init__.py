"""The verbs of the command line, one file a group; :mod:`synth.cli` puts them together."""
