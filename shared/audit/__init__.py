"""The activity record: one hash chain per case or account, whose personal content can be erased without breaking it."""
