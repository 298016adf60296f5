"""Who is told about a report, and why (S3, R-c)."""
