"""Which event of another system becomes which report, as the mapping of its source says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import ValidationError

from services.intake.inbound.domain import EventNotReadable, InboundEvent, Path, UnknownEvent
from services.intake.reports.bodies import AbuseReportBody, MisuseReportBody, SecurityIncidentBody
from services.intake.reports.domain import Report
from shared.auth.permissions import Permission, Principal, Role
from shared.events.vocabulary import ManagerAlert, ReportType
from shared.web.bodies import field_problems


@dataclass(frozen=True, slots=True)
class From:
    """A value taken from the event, and put into our words where it needs to be."""

    paths: tuple[Path, ...]
    words: Mapping[str, str] | None = None
    """Their word, in small letters → ours."""
    otherwise: str | None = None
    number: bool = False

    def values(self, event: InboundEvent) -> Sequence[object]:
        """Return what there is, each in our words."""
        found = [_plain(value, keep_number=self.number) for path in self.paths for value in event.find(path)]
        ours = [self._in_our_words(value) for value in found]
        known = [value for value in ours if value not in (None, "")]
        return known or ([] if self.otherwise is None else [self.otherwise])

    def _in_our_words(self, value: object) -> object:
        if self.words is None:
            return value
        return self.words.get(str(value).casefold(), self.otherwise)


Value = From | str | int | bool | None | Sequence["Value"] | Mapping[str, "Value"]
"""What a field becomes: something of the event, something fixed, or a list or an object of such."""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One field of the report."""

    name: str
    value: Value
    many: bool
    """Whether the field is a list."""

    def made_of(self, event: InboundEvent) -> object:
        """Return what the field says for `event`; None where the event says nothing about it."""
        if isinstance(self.value, From) and self.many:
            return list(dict.fromkeys(self.value.values(event))) or None
        return _made(self.value, event)


@dataclass(frozen=True, slots=True)
class Rule:
    """Events of one type, with some values, become reports of one kind; or are counted and not stored."""

    type: str
    when: Mapping[Path, frozenset[str]]
    report: ReportType | None
    fields: tuple[FieldValue, ...] = ()

    def takes(self, event: InboundEvent) -> bool:
        """Return whether this rule is about `event`."""
        return fnmatchcase(event.type, self.type) and all(
            words & {str(_plain(value)).casefold() for value in event.find(path)} for path, words in self.when.items()
        )

    def answers(self, event: InboundEvent) -> dict[str, object]:
        """Return the report's fields, as its form or API would have them."""
        made = {entry.name: entry.made_of(event) for entry in self.fields}
        return {name: value for name, value in made.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Source:
    """One other system."""

    id: str
    name: str
    """What responders read as the reporter."""
    pattern: str
    """Of the events' `source`; `*` stands for anything."""
    rules: tuple[Rule, ...]
    monitoring: bool = False
    """Whether what it finds was found by routine monitoring (C-h)."""
    clients: frozenset[str] = frozenset()
    """Who may send its events by HTTP, as their tokens call them."""
    roles: frozenset[Role] = frozenset()
    """Whose roles let them send its events by HTTP. Neither clients nor roles: by the log only."""

    def admits(self, client: Principal) -> bool:
        """Return whether `client` may speak for this source; for monitoring only with monitoring's permission (C-h)."""
        named = client.subject in self.clients or not self.roles.isdisjoint(client.roles)
        return named and (not self.monitoring or client.may(Permission.REPORT_FROM_MONITORING))


@dataclass(frozen=True, slots=True)
class Sources:
    """All that are known."""

    entries: tuple[Source, ...]

    def rule_for(self, event: InboundEvent) -> tuple[Source, Rule]:
        """Return the first source and rule that take `event`.

        Raises:
            UnknownEvent: none does.
        """
        for source in self.entries:
            if fnmatchcase(event.source, source.pattern):
                for rule in source.rules:
                    if rule.takes(event):
                        return source, rule
        raise UnknownEvent(self.known())

    def known(self) -> Sequence[Mapping[str, object]]:
        """Return what can be sent, for a sender of something else."""
        return [
            {"source": source.pattern, "types": list(dict.fromkeys(rule.type for rule in source.rules))}
            for source in self.entries
        ]


def _made(value: Value, event: InboundEvent) -> object:
    match value:
        case From():
            found = value.values(event)
            texts = [part for part in found if isinstance(part, str)]
            return "\n\n".join(texts) if len(value.paths) > 1 and texts else next(iter(found), None)
        case Mapping():
            parts = {name: _made(inner, event) for name, inner in value.items()}
            return {name: part for name, part in parts.items() if part is not None}
        case list() | tuple():
            return [part for inner in value if (part := _made(inner, event)) is not None]
        case _:
            return value


def _plain(value: object, *, keep_number: bool = False) -> object:
    """Return a text, a yes or no, or where it is wanted a number; nothing for what is none of them."""
    if isinstance(value, bool) or (keep_number and isinstance(value, int)):
        return value
    return str(value) if isinstance(value, str | int | float) else None


OccurrenceBodies = type[AbuseReportBody | MisuseReportBody | SecurityIncidentBody]
KINDS: Mapping[ReportType, OccurrenceBodies] = {
    ReportType.ABUSE: AbuseReportBody,
    ReportType.MISUSE: MisuseReportBody,
    ReportType.SECURITY_INCIDENT: SecurityIncidentBody,
}


def command_of(kind: ReportType, answers: Mapping[str, object], sender: Principal) -> Report:
    """Return the report that `answers` make, in the name of `sender`.

    A system has no line manager: no one is told as its manager unless the mapping names one.

    Raises:
        EventNotReadable: names the fields that are missing or not right.
    """
    try:
        body = KINDS[kind].model_validate({"manager_alert": ManagerAlert.NO, **answers})
    except ValidationError as error:
        raise EventNotReadable(field_problems(error.errors(include_url=False, include_input=False))) from None
    return body.to_command(sender)
