"""Is it official? One question about one handle or address, for anybody."""
