"""PostgreSQL: engines, sessions, migrations and the sweep that works due rows."""
