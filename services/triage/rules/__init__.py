"""The rule book as people meet it: read, explained, counted, tried on the past, and loaded again when it changes."""
