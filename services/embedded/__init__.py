"""All four services, a PostgreSQL server and a mail catcher in one process tree: what `signpost up` starts."""
