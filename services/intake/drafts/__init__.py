"""Half-filled forms, kept on the server for a day and readable only with the cookie of who fills them in."""
