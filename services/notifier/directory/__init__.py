"""Who works here, and who manages whom since when (Sc-a, S3)."""
