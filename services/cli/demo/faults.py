"""Why a demo cannot go on."""

from shared.errors import ExplainedError


class DemoCannotRun(ExplainedError):
    """The message is one line for a person, and has no secret in it."""
