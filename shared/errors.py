"""The base of errors for the person at the command line."""


class ExplainedError(Exception):
    """An error that ends a command; its text is one line that says what is wrong and what to do."""
