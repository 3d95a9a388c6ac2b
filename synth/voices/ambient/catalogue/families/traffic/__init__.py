"""Vehicles on road, rail, water and in the air, and their horns.

Engines that do not drive anything are machines.
"""
