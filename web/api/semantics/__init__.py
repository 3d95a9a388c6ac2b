"""What HTTP itself offers to callers: preferences, deadlines, conditional reads, waiting.

Nothing of what jobs are made of; views use it.
"""
