"""Triage: routing, cases and deadlines. Every report becomes a case that one team owns (S3, R-c)."""
