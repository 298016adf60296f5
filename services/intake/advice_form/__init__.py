"""The form for advice."""
