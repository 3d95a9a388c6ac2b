"""People's voices and bodies, alone and in crowds.

Words are the speech voice's; none is spoken here.
"""
