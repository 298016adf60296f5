"""Which team a report goes to, and why: rules as data, one pure decision, every decision explained."""
