"""What notifier remembers about reports and their cases: how to reach the reporter, who it is about, what is open."""
