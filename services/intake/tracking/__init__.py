"""What became of a report, told to who made it."""
