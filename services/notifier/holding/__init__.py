"""Fewer mails: digests of what can wait, and one summary where a storm would fill a mailbox."""
