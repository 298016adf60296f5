"""Reports as they were submitted: what is accepted, and how it is kept."""
