"""Why a demo cannot go on."""


class DemoCannotRun(Exception):
    """The message is one line for a person, and has no secret in it."""
