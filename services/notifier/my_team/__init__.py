"""A person's own page, most of all a manager's: what needs them now, and what they have read of the rules (R-b, X2)."""
