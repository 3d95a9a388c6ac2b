"""What ships trained: safetensors files and the manifest that states where each comes from.

No code.
"""
