"""Logs, metrics, traces and health, all without personal data."""
