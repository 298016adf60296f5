"""Files that belong to a report: received, kept with their hashes, and shown to whom triage lets see them."""
