"""What other systems send: events that become reports, by a mapping for each source."""
