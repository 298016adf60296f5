"""Who makes a request, and what they may do. Only this package reads tokens."""
