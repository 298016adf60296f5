"""Getting events from one database to another, nothing lost and nothing done twice."""
