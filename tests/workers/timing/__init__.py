"""How long jobs take."""
