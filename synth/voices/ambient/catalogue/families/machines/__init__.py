"""Machines that stay where they are: tools, household and office, bells and alarms.

Vehicles are traffic.
"""
