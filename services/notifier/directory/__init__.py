"""The staff directory: who works here, and who manages whom, from when to when (Sc-a, S3)."""
