"""PostgreSQL: engines, sessions, migrations, and the sweep that processes due rows."""
