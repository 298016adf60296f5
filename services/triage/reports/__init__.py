"""What a team needs to see of a report: the answers as they were submitted."""
