"""The activity record: one hash chain per case or account. Personal content can be erased without breaking it."""
