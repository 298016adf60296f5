"""A person's own page, mainly for managers: what needs them now, and which rules they have read (R-b, X2)."""
