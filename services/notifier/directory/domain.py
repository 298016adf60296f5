"""Staff and dated reporting lines, as needed to choose a recipient. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Self

from shared.ids import StaffId, folded_id


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A person in the directory (Sc-a: employee, contractor, consultant, other worker, staff of an ALB)."""

    staff_id: StaffId
    name: str
    email: str
    """Lower case."""
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class ReportingLine:
    """Who managed a person, and when. Both dates are included; None is open-ended."""

    staff_id: StaffId
    manager: StaffId
    first_day: date | None = None
    last_day: date | None = None

    def holds_on(self, day: date) -> bool:
        """Return whether the line is valid on `day`."""
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)

    def overlaps(self, other: "ReportingLine") -> bool:
        """Return whether both are valid on some day."""
        return _not_after(self.first_day, other.last_day) and _not_after(other.first_day, self.last_day)


@dataclass(frozen=True, slots=True)
class Directory:
    """What is known about some people and everyone above them."""

    staff: Mapping[StaffId, StaffMember] = field(default_factory=lambda: MappingProxyType({}))
    lines: Mapping[StaffId, tuple[ReportingLine, ...]] = field(default_factory=lambda: MappingProxyType({}))
    _by_email: Mapping[str, StaffMember] = field(default_factory=lambda: MappingProxyType({}))
    _by_folded_id: Mapping[str, StaffMember] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, staff: Iterable[StaffMember], lines: Iterable[ReportingLine]) -> Self:
        """Index people and lines."""
        members = tuple(staff)
        of_person: dict[StaffId, tuple[ReportingLine, ...]] = {}
        for line in lines:
            of_person[line.staff_id] = (*of_person.get(line.staff_id, ()), line)
        return cls(
            {member.staff_id: member for member in members},
            of_person,
            {member.email: member for member in members},
            {folded_id(member.staff_id): member for member in members},
        )

    def member(self, staff_id: str | None) -> StaffMember | None:
        """Find a person by a staff id as people type it: in upper or lower case, with spaces around it."""
        return self._by_folded_id.get(folded_id(staff_id)) if staff_id else None

    def with_email(self, email: str | None) -> StaffMember | None:
        """Find a person by address, in upper or lower case."""
        return self._by_email.get(email.strip().lower()) if email else None

    def manager_of(self, staff_id: StaffId, day: date) -> StaffMember | None:
        """Return who managed `staff_id` on `day`."""
        current = next((line for line in self.lines.get(staff_id, ()) if line.holds_on(day)), None)
        return self.staff.get(current.manager) if current else None

    def chain_above(self, staff_id: StaffId, day: date) -> tuple[StaffMember, ...]:
        """Return the managers above `staff_id` on `day`, nearest first; a circle ends before it repeats."""
        chain: dict[StaffId, StaffMember] = {}
        manager = self.manager_of(staff_id, day)
        while manager and manager.staff_id != staff_id and manager.staff_id not in chain:
            chain[manager.staff_id] = manager
            manager = self.manager_of(manager.staff_id, day)
        return tuple(chain.values())

    def in_a_circle(self, line: ReportingLine) -> bool:
        """Return whether on the first day of `line`, or of a line above it, a person would manage themselves."""
        days = {start for above in self._lines_above(line) if (start := _later(above.first_day, line.first_day))}
        return any(self._returns_to(line.staff_id, day) for day in days | {line.first_day or date.min})

    def _lines_above(self, line: ReportingLine) -> Iterable[ReportingLine]:
        seen: set[StaffId] = set()
        waiting = [line.staff_id]
        while waiting:
            person = waiting.pop()
            if person not in seen:
                seen.add(person)
                for above in self.lines.get(person, ()):
                    waiting.append(above.manager)
                    yield above

    def _returns_to(self, staff_id: StaffId, day: date) -> bool:
        seen: set[StaffId] = set()
        manager = self.manager_of(staff_id, day)
        while manager and manager.staff_id not in seen:
            if manager.staff_id == staff_id:
                return True
            seen.add(manager.staff_id)
            manager = self.manager_of(manager.staff_id, day)
        return False


def _not_after(first: date | None, last: date | None) -> bool:
    return first is None or last is None or first <= last


def _later(one: date | None, other: date | None) -> date | None:
    return max((day for day in (one, other) if day), default=None)
