"""Time and memory of a whole job and of the sampler, beside floors and other builds.

Used by the command line only; nothing that serves, trains or evaluates may import it.
"""
