"""What waits for whoever is signed in: requests, gates, removals, reviews, recoveries, checks."""
