"""Is it official? One question about one handle or address, open to the public."""
