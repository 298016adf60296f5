"""What makes people eligible to operate accounts: completed training (S5) and vetting (Sc-c), recorded and imported."""
