"""What the recipient answers, and what happens when no answer comes."""
