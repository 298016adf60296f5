"""What follows when a case moves: teams, leads and reporters are told, and misuse is given to a manager."""
