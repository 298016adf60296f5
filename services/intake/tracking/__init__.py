"""The status of a report, as its reporter sees it."""
