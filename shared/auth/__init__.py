"""Who is asking, and what they may do. Nothing else reads tokens."""
