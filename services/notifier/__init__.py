"""Notifier: tells the right person at the same moment (S3), and shows what became of each alert."""
