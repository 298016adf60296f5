"""Misuse cases of the subject's manager: who that is, and what they did (R-c, R-d)."""
