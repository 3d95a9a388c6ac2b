"""Where files lie: storage (a folder or a bucket), upload of results, temporary directories.

No row of the database is written here.
"""
