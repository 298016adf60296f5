"""What a team works: the life of a case, its queue and its page."""
