"""The score of a take: what is heard when, as data; read, checked, changed, and rendered again without the nets.

No database, no HTTP."""
