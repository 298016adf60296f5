"""What notifier remembers of reports and their cases: how to reach the reporter, who it is about, what is open."""
