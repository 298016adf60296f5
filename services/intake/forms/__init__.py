"""Forms of one question a page: what all of them need, from the first page to the confirmation."""
