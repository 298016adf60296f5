"""What follows when a case moves: teams, leads and reporters are alerted, and misuse is given to a manager."""
