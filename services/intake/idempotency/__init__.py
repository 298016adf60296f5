"""The same request twice gets the same answer."""
