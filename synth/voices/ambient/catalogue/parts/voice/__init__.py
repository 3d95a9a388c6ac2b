"""Parts of voices: pulses, moving resonances, utterances, measured calls and crowds of them.

Which animal or person speaks is said in the families.
"""
