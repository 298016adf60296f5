"""Training of the people who operate accounts (S5): what they completed, and until when it counts."""
