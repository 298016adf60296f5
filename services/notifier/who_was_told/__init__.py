"""Whom a report was told to, for those who may know (S3, and who sees a restricted case)."""
