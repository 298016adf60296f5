"""Who is alerted about a report, and why (S3, R-c)."""
