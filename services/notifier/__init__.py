"""Notifier: alerts the right person at the same moment (S3), and shows what happened to each alert."""
