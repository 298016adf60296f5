"""What became of a report, as its reporter sees it."""
