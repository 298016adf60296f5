"""What a reporter and the team say to one another about a report."""
