"""A case with all that is known about it, in one value: what the API answers and what an export contains."""
