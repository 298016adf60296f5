"""A manager's own page: what needs them now (R-b)."""
