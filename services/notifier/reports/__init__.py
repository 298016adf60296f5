"""What notifier remembers of a report, to act when the case moves: how to reach the reporter, who it is about."""
