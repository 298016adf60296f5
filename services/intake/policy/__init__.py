"""What the policy asks, clause by clause, and what Signpost does about it."""
