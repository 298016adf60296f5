"""The form for misuse of social media."""
