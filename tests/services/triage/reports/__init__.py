"""Tests of what triage derives from a report."""
