"""What follows when a case moves: teams, leads and reporters are told, misuse finds its manager."""
