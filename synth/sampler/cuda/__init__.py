"""The sampling loop on NVIDIA GPUs: one kernel that generates many samples for many streams in one launch.

Everything of CUDA stays in here.
"""
