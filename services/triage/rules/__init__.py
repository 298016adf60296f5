"""The rule book for people: shown, explained, counted, tried on past reports, and reloaded when it changes."""
