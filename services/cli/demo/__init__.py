"""`signpost demo`: a realistic mix of reports, what became of each, and whether the sums agree."""
