"""The form for social media abuse, one question a page."""
