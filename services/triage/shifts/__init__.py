"""The change of shifts: what the next people have to know of, as a page and as an email."""
