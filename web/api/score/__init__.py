"""The routes of a take's score: read, changed, rendered, exchanged with editors; and the parts of its sound.

What a score is and how it is rendered is the library's and the workers'."""
