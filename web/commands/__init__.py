"""The verbs of the server's side, one file a group; :mod:`web.cli` puts them beside the library's."""
