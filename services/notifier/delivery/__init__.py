"""Messages and their way to the recipient: none is lost, and only an attempt that a crash left open is repeated."""
