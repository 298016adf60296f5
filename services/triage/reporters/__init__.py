"""What reporters send about cases: reports, what they add to them, and their wish to withdraw."""
