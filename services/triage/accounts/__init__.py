"""What triage knows of registered accounts: a projection of the register, used as facts by rules."""
