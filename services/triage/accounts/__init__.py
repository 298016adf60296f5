"""What triage knows of registered accounts: a projection of the register, which gives the rules facts."""
