"""The start page: one question, and an honest answer to each choice."""
