"""Reports as a team sees them: the answers as submitted."""
