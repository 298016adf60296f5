"""What a team and a reporter say to one another about a case, and what the team notes for itself."""
