"""`signpost demo`: sends a realistic mix of reports by HTTP, reads what became of each, and checks the sums."""
