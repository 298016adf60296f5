"""A record's bytes as a person reads them."""

import orjson


def as_text(value: bytes | None) -> str:
    """Return JSON indented, other text as it is, bytes that are no text marked as such; "" where nothing is left."""
    if value is None:
        return ""
    try:
        return orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return value.decode("utf-8", "backslashreplace")
