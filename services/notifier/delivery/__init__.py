"""Getting a message to its recipient: never none, a repeat only for an attempt that a crash left open."""
