"""What every capability works with: who works, in which transaction, on which day, and the people they name."""
