"""Logs, metrics, traces and health, none of which ever holds personal data."""
