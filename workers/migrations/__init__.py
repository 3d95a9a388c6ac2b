"""The schema's history. ``workers.database.open_database`` brings a database up to its newest version."""
