"""Outcomes that their reporters ask to be looked at again, by someone else than who resolved the case."""
