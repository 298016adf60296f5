"""Which team a report goes to, and why: rules as data, and one pure function that decides and explains."""
