"""Which event of another system becomes which report, as the mapping of its source says.

What a report needs is read as it is, or the event is refused. What it can do without is left out where it cannot be
read, and named on the report: a finding is worth more than its links.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final, get_args

from pydantic import BaseModel, ValidationError

from services.intake.inbound import domain
from services.intake.reports.bodies import AbuseReportBody, MisuseReportBody, SecurityIncidentBody
from services.intake.reports.checks import LIST_LIMIT
from services.intake.reports.domain import Report, ReportRefused, refusals
from shared.auth.permissions import Permission, Principal, Role
from shared.events.vocabulary import ManagerAlert, ReportType
from shared.text import is_blank, without_control_characters
from shared.web.bodies import field_problems

CLAIMS_NOTHING: Final = frozenset({"other", "unknown", "unsure"})
"""Answers that say only that we do not know: they may stand for what cannot be read."""
_NEVER = re.compile(r"0001-01-01[Tt]00:00:00(\.0+)?([Zz]|[+-]00:00)")
"""How Go and others write that there is no time."""
_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class From:
    """A value taken from the event, and put into our words where it needs to be."""

    paths: tuple[domain.Path, ...]
    words: Mapping[str, str] | None = None
    """Their word, in small letters → ours."""
    otherwise: str | None = None
    number: bool = False

    def values(self, event: domain.InboundEvent) -> Sequence[object]:
        """Return what there is, each in our words; `NOT_READABLE` in place of what is no word or number."""
        found = [said if said is domain.NOT_READABLE else self._in_our_words(said) for said in self._said(event)]
        return found or ([] if self.otherwise is None else [self.otherwise])

    def guesses(self, event: domain.InboundEvent) -> bool:
        """Return whether `otherwise` claims something in place of a word that the mapping does not know."""
        if self.words is None or self.otherwise is None or self.otherwise in CLAIMS_NOTHING:
            return False
        return any(
            str(said).casefold() not in self.words for said in self._said(event) if said is not domain.NOT_READABLE
        )

    def _said(self, event: domain.InboundEvent) -> Sequence[object]:
        read = _number if self.number else _plain
        found = [read(value) for path in self.paths for value in event.find(path)]
        return [said for said in found if said is not None]

    def _in_our_words(self, said: object) -> object:
        if self.words is None:
            return said
        return self.words.get(str(said).casefold(), domain.NOT_READABLE if self.otherwise is None else self.otherwise)


Value = From | str | int | bool | None | Sequence["Value"] | Mapping[str, "Value"]
"""What a field becomes: something of the event, something fixed, or a list or an object of such."""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One field of the report."""

    name: str
    value: Value
    many: bool
    """Whether the field is a list."""

    def made_of(self, event: domain.InboundEvent) -> object:
        """Return what the field says for `event`; None where the event says nothing about it."""
        if isinstance(self.value, From) and self.many:
            return list(dict.fromkeys(self.value.values(event))) or None
        return _made(self.value, event)

    @property
    def otherwise(self) -> object:
        """What the field says where the event says nothing; None where that is not said."""
        word = self.value.otherwise if isinstance(self.value, From) else None
        return [word] if self.many and word is not None else word


@dataclass(frozen=True, slots=True)
class Rule:
    """Events of one type, with some values, become reports of one kind; or are counted and not stored."""

    type: str
    when: Mapping[domain.Path, frozenset[str]]
    report: ReportType | None
    fields: tuple[FieldValue, ...] = ()

    def takes(self, event: domain.InboundEvent) -> bool:
        """Return whether this rule is about `event`."""
        return fnmatchcase(event.type, self.type) and all(
            words & {str(_plain(value)).casefold() for value in event.find(path)} for path, words in self.when.items()
        )

    def check_data(self, event: domain.InboundEvent) -> None:
        """Let only data become a report of which the mapping reads something.

        Raises:
            DataNotReadable: it is of another kind, or nothing in it is what the mapping reads.
        """
        if isinstance(event.data, domain.DataNotReadable):
            raise event.data
        read = [path for entry in self.fields for path in _paths(entry.value) if not path.is_attribute]
        if isinstance(event.data, list) and not any(path.begins_in_list for path in read):
            raise domain.DataNotReadable("This must be a JSON object, not a list")
        if read and not any(event.find(path) for path in read):
            raise domain.DataNotReadable("Nothing in it is what the mapping of this source reads")

    def answers(self, event: domain.InboundEvent) -> dict[str, object]:
        """Return the report's fields, as its form or API would have them."""
        made = {entry.name: entry.made_of(event) for entry in self.fields}
        return {name: value for name, value in made.items() if value is not None}

    def guessed(self, event: domain.InboundEvent) -> frozenset[str]:
        """Return the fields in which the mapping claims something in place of a word that it does not know."""
        return frozenset(
            entry.name for entry in self.fields if any(source.guesses(event) for source in _froms(entry.value))
        )

    def otherwise(self) -> dict[str, object]:
        """Return what its fields say where an event says nothing."""
        return {entry.name: entry.otherwise for entry in self.fields if entry.otherwise is not None}


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

    def rule_for(self, event: domain.InboundEvent) -> tuple[Source, Rule]:
        """Return the first source and rule that take `event`.

        Raises:
            UnknownEvent: none does.
        """
        for source in self.entries:
            if fnmatchcase(event.source, source.pattern):
                for rule in source.rules:
                    if rule.takes(event):
                        return source, rule
        raise domain.UnknownEvent(self.known())

    def known(self) -> Sequence[Mapping[str, object]]:
        """Return what can be sent, for a sender of something else."""
        return [
            {"source": source.pattern, "types": list(dict.fromkeys(rule.type for rule in source.rules))}
            for source in self.entries
        ]


def _froms(value: Value) -> Iterator[From]:
    match value:
        case From():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _froms(inner)
        case list() | tuple():
            for inner in value:
                yield from _froms(inner)


def _paths(value: Value) -> Iterator[domain.Path]:
    for source in _froms(value):
        yield from source.paths


def _made(value: Value, event: domain.InboundEvent) -> object:
    match value:
        case From():
            found = value.values(event)
            if domain.NOT_READABLE in found:
                return domain.NOT_READABLE  # never a part of what was said
            texts = [part for part in found if isinstance(part, str)]
            return "\n\n".join(texts) if len(value.paths) > 1 and texts else next(iter(found), None)
        case Mapping():
            parts = {name: _made(inner, event) for name, inner in value.items()}
            return {name: part for name, part in parts.items() if part is not None}
        case list() | tuple():
            return [part for inner in value if (part := _made(inner, event)) is not None]
        case _:
            return value


def _plain(value: object) -> object:
    """Return a text or a yes or no; None where it says nothing.

    Control characters are left out: a system colours its words with them, and no one can be asked to take them out.
    """
    match value:
        case bool():
            return value
        case str():
            return None if is_blank(value) or _NEVER.fullmatch(value) else without_control_characters(value)
        case int() | float():
            return str(value)
        case _:
            return domain.NOT_READABLE


def _number(value: object) -> object:
    """Return a whole number, also one that is written `120.0` or as a text; None where it says nothing."""
    match value:
        case bool():
            return domain.NOT_READABLE
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if is_blank(value):
            return None
        case str() if value.isascii() and value.strip().isdigit() and len(value) <= _MOST_DIGITS:
            return int(value)
        case _:
            return domain.NOT_READABLE


OccurrenceBody = AbuseReportBody | MisuseReportBody | SecurityIncidentBody
KINDS: Mapping[ReportType, type[OccurrenceBody]] = {
    ReportType.ABUSE: AbuseReportBody,
    ReportType.MISUSE: MisuseReportBody,
    ReportType.SECURITY_INCIDENT: SecurityIncidentBody,
}
Location = tuple[str | int, ...]
"""Where a value is in the fields of a report, as in `("affected", 0, "name")`."""


def command_of(kind: ReportType, rule: Rule, event: domain.InboundEvent, sender: Principal, now: datetime) -> Report:
    """Return the report of that kind that `rule` makes of `event`, in the name of `sender`.

    A system has no line manager: no one is told as its manager unless the mapping names one.

    Raises:
        DataNotReadable: the mapping reads nothing of it.
        EventNotReadable: names the fields that are missing or not right, and that the report needs.
        ReportRefused: as the report's own form would refuse it.
    """
    rule.check_data(event)
    return _Reading(kind, rule, event).command(sender, now)


class _Reading:
    """The answers of one event while what cannot be read is left out of them."""

    def __init__(self, kind: ReportType, rule: Rule, event: domain.InboundEvent) -> None:
        self._body = KINDS[kind]
        self._answers: dict[str, object] = {"manager_alert": ManagerAlert.NO, **rule.answers(event)}
        self._otherwise = rule.otherwise()
        self._named = set(rule.guessed(event))

    def command(self, sender: Principal, now: datetime) -> Report:
        self._cut_lists()
        while True:
            try:
                report = self._body.model_validate(self._answers).to_command(sender)
            except ValidationError as error:
                self._leave_out_invalid(error)
                continue
            wrong = refusals(report, now)
            if not wrong:
                return replace(report, not_readable=self._not_readable())
            if not all(
                self._leave_out_refused(name, sender, now) for name in dict.fromkeys(one.field for one in wrong)
            ):
                raise ReportRefused(wrong)

    def _not_readable(self) -> tuple[str, ...]:
        return tuple(name for name in self._body.model_fields if name in self._named)

    def _cut_lists(self) -> None:
        for name, value in self._answers.items():
            if isinstance(value, list) and len(value) > LIST_LIMIT and not self._is_needed((name,)):
                del value[LIST_LIMIT:]
                self._named.add(name)

    def _leave_out_invalid(self, error: ValidationError) -> None:
        problems = error.errors(include_url=False, include_input=False)
        if not all(self._leave_out(problem["loc"]) for problem in reversed(problems)):
            raise domain.EventNotReadable(field_problems(problems)) from None

    def _leave_out_refused(self, name: str, sender: Principal, now: datetime) -> bool:
        """Leave out a field that is refused; of a list only the entries that are."""
        if not self._refuses(name, self._answers, sender, now):
            return True  # it only contradicted what is left out by now
        entries = self._answers.get(name)
        if not isinstance(entries, list) or self._is_needed((name,)):
            return self._leave_out((name,)) or self._leave_out_what_contradicts(name, sender, now)
        kept = [entry for entry in entries if not self._refuses(name, {**self._answers, name: [entry]}, sender, now)]
        if kept == entries or not kept:
            return self._leave_out((name,))
        self._answers[name] = kept
        self._named.add(name)
        return True

    def _leave_out_what_contradicts(self, name: str, sender: Principal, now: datetime) -> bool:
        """Leave out the first field that the report can do without and without which `name` is right."""
        for other in self._answers:
            rest = {field: value for field, value in self._answers.items() if field != other}
            if not self._is_needed((other,)) and not self._refuses(name, rest, sender, now):
                return self._leave_out((other,))
        return False

    def _refuses(self, name: str, answers: Mapping[str, object], sender: Principal, now: datetime) -> bool:
        return any(one.field == name for one in refusals(self._body.model_validate(answers).to_command(sender), now))

    def _leave_out(self, location: Location) -> bool:
        """Leave out the innermost part at `location` that the report can do without; False where there is none."""
        for length in range(len(location), 0, -1):
            *way, last = location[:length]
            if not self._is_needed(location[:length]) and _taken_out(self._at(tuple(way)), last):
                self._named.add(str(location[0]))
                self._say_otherwise(location[:length])
                return True
        return self._say_otherwise(location[:1])

    def _say_otherwise(self, location: Location) -> bool:
        """Where all of a field is left out, say the mapping's `otherwise` if that claims nothing, and name it."""
        name = str(location[0])
        word = self._otherwise.pop(name, None) if len(location) == 1 else None
        if word is None or not CLAIMS_NOTHING.issuperset(word if isinstance(word, list) else [word]):
            return False
        self._answers[name] = word
        self._named.add(name)
        return True

    def _at(self, way: Location) -> object:
        value: object = self._answers
        for step in way:
            value = _inside(value, step)
        return value

    def _is_needed(self, location: Location) -> bool:
        """Return whether the report cannot do without what is there."""
        *way, last = location
        if isinstance(last, int):
            inside = self._at(tuple(way))
            return isinstance(inside, list) and len(inside) == 1 and self._is_needed(tuple(way))
        model = _model_at(self._body, tuple(way))
        return model is None or last not in model.model_fields or model.model_fields[last].is_required()


def _inside(value: object, step: str | int) -> object:
    """Return what a dict or a list holds at `step`; None if it holds nothing there."""
    match value, step:
        case dict(), str():
            return value.get(step)
        case list(), int() if step < len(value):
            return value[step]
        case _:
            return None


def _taken_out(value: object, step: str | int) -> bool:
    """Remove what a dict or a list holds at `step`; return whether there was something."""
    match value, step:
        case dict(), str() if step in value:
            del value[step]
        case list(), int() if step < len(value):
            del value[step]
        case _:
            return False
    return True


def _model_at(body: type[BaseModel], way: Location) -> type[BaseModel] | None:
    model: type[BaseModel] | None = body
    for step in way:
        if isinstance(step, str) and model is not None:
            field = model.model_fields.get(step)
            model = _model_in(field.annotation) if field else None
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
