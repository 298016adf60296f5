"""What operators and owners of accounts are told (S5, S8, D-pia)."""
