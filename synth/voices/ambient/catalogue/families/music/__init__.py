"""Musical instruments, a few notes or beats of each.

No melodies of others and no recordings.
"""
