"""Reports that put floors and ceilings beside every figure, a folder a voice.

Imported by the command line only; pure figures live in synth.metrics.
"""
