"""What the recipient answers, and what happens when nobody does."""
