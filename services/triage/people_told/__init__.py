"""Who was alerted about a report, by role, and what came of it: a projection of notifier's events."""
