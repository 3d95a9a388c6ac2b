"""Fast sampling of SampleRNN: one definition, and samplers that keep to it bit by bit.

Knows networks and arrays; never files, media or jobs.
"""
