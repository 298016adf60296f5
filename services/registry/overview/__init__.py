"""Pages across capabilities: the page of one account, and the tasks of the signed-in person."""
