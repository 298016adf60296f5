"""Times for people: UK local time with an unambiguous date."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

UK = ZoneInfo("Europe/London")
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def uk_time(moment: datetime) -> str:
    """Return for example `23 November 2026 at 10:42am`."""
    local = moment.astimezone(UK)
    return f"{uk_date(local)} at {local:%I:%M%p}".replace(" at 0", " at ").lower().replace(*_month(local))


def _month(day: date) -> tuple[str, str]:
    name = f"{day:%B}"
    return name.lower(), name


def uk_date(moment: date) -> str:
    """Return for example `23 November 2026`."""
    local = moment.astimezone(UK) if isinstance(moment, datetime) else moment
    return f"{local.day} {local:%B %Y}"


def near(moment: datetime, now: datetime) -> str:
    """Return a moment not far from `now`: `today 9:20am`, `tomorrow 9:20am`, `Friday 27 November 9:20am`."""
    local = moment.astimezone(UK)
    days = (local.date() - now.astimezone(UK).date()).days
    day = {0: "today", 1: "tomorrow"}.get(days, f"{local:%A} {local.day} {local:%B}")
    return f"{day} {clock_time(moment)}"


def clock_time(moment: datetime) -> str:
    """Return for example `9:20am`."""
    return f"{moment.astimezone(UK):%I:%M%p}".lstrip("0").lower()


def ago(moment: datetime, now: datetime) -> str:
    """Return for example `4 minutes ago`; a moment in the future is `just now`."""
    passed = now - moment
    for size, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if count := passed // size if passed > timedelta(0) else 0:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"
