"""What a person meets first: the start page, the forms, the API for reports, and what became of a report."""
