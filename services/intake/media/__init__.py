"""What files are, and what can be shown of them safely: no database, no store, and no trust in a file."""
