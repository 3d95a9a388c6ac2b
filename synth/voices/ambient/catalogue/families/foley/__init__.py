"""What hands and feet make things do: impacts, steps, kitchen, cloth and paper.

Tools with a motor are machines.
"""
