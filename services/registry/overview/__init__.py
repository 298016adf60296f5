"""What lies across the capabilities: the page of one account, and the tasks of the person signed in."""
