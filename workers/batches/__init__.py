"""What a batch is beside the jobs that share its name: the items of its request that were refused.

No job is made or changed here.
"""
