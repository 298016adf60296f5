"""What has to be done about a case besides its outcome: tasks, support for the person, and the threat protocol."""
