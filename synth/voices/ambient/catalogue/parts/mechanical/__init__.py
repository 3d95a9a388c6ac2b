"""What machines and vehicles are made of: engines, motors, horns, moved air, blasts, what passes by.

Pure functions of the same kind as the parts above; no family of sounds is named here.
"""
