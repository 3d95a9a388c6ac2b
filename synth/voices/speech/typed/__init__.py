"""Words that somebody typed, spoken in time with the lips that are seen: script, synthesiser, alignment, voice.
Reading words off lips without a text is the room above; nothing here learns anything.
"""
