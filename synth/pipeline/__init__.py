"""One job: a silent clip in, the same picture with sound out; :func:`synth.pipeline.sonorize.sonorize` is the way in.

Knows every voice and no network of its own; no queue, no database, no training.
"""
