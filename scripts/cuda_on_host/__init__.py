"""The CUDA kernel on a CPU, its threads as fibers: a check of its logic where there is no GPU."""
