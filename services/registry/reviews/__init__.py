"""Periodic reviews (S8): when one is due, and whether the account is kept, changed or closed."""
