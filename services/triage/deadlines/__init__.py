"""Deadlines of a case: when a team has to respond, in working time or round the clock."""
