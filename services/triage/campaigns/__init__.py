"""Campaigns: cases that may belong together, suggested by what their reports share, and what people decide of that."""
