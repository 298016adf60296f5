"""What everyone may read about the service: privacy, cookies, accessibility."""
