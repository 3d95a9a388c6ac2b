"""Weather, water and fire.

Sounds that nobody makes; living things are in animals and people.
"""
