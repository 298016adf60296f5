"""Principals, roles, and the one table of what each role may do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.events.vocabulary import Team
from shared.ids import StaffId


class Role(StrEnum):
    """A role that the identity provider gives a person. `manager` is a relation, not a role."""

    REPORTER = "reporter"
    SMART_RESPONDER = "smart_responder"
    SMART_LEAD = "smart_lead"
    SIRT_RESPONDER = "sirt_responder"
    SIRT_LEAD = "sirt_lead"
    TRIAGE_DESK = "triage_desk"
    ACCOUNT_OPERATOR = "account_operator"
    ACCOUNT_OWNER = "account_owner"
    APPROVER = "approver"
    ADVICE_CENTRE = "advice_centre"
    POLICY_STANDARDS = "policy_standards"
    POLICY_OWNER = "policy_owner"
    COMMS = "comms"
    MONITORING = "monitoring"
    SUPPLIER = "supplier"
    INSPECTOR = "inspector"
    OPERATIONS = "operations"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """One thing that can be allowed."""

    REPORT = "report"
    REPORT_FROM_MONITORING = "report_from_monitoring"
    REPORT_AS_SUPPLIER = "report_as_supplier"
    SEND_EVENTS = "send_events"
    """Send CloudEvents of another system by HTTP."""
    SMART_QUEUE = "smart_queue"
    SIRT_QUEUE = "sirt_queue"
    TRIAGE_DESK_QUEUE = "triage_desk_queue"
    ADVICE_QUEUE = "advice_queue"
    POLICY_STANDARDS_QUEUE = "policy_standards_queue"
    SEE_CASE_CONTENT = "see_case_content"
    WORK_CASES = "work_cases"
    LEAD_SMART = "lead_smart"
    LEAD_SIRT = "lead_sirt"
    LEAD_TRIAGE_DESK = "lead_triage_desk"
    SEE_RULES = "see_rules"
    SEE_REGISTER = "see_register"
    MANAGE_REGISTER = "manage_register"
    REQUEST_ACCOUNTS = "request_accounts"
    APPROVE_ACCOUNTS = "approve_accounts"
    CONFIRM_ACCOUNTS = "confirm_accounts"
    """Record that an approved account exists on its platform and is ours, after a search for look-alikes (S7)."""
    CLEAR_NEW_PLATFORMS = "clear_new_platforms"
    """Decide whether a platform that is not in use yet may be used (X3)."""
    RECORD_GATES = "record_gates"
    """Record training, vetting, removal of access, reviews and recovery."""
    GRANT_EXCEPTIONS = "grant_exceptions"
    SEE_ALERTS = "see_alerts"
    OPERATE_DEAD_LETTERS = "operate_dead_letters"
    SEE_OPERATIONS = "see_operations"
    ADMINISTER = "administer"


_P = Permission
_RESPONDS = frozenset({_P.REPORT, _P.SEE_CASE_CONTENT, _P.WORK_CASES, _P.SEE_ALERTS, _P.SEE_REGISTER})
_SMART = _RESPONDS | {_P.SMART_QUEUE}
_SIRT = _RESPONDS | {_P.SIRT_QUEUE, _P.CONFIRM_ACCOUNTS}

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.REPORTER: frozenset({_P.REPORT}),
    Role.SMART_RESPONDER: _SMART,
    Role.SMART_LEAD: _SMART | {_P.LEAD_SMART, _P.SEE_OPERATIONS, _P.SEE_RULES},
    Role.SIRT_RESPONDER: _SIRT,
    Role.SIRT_LEAD: _SIRT | {_P.LEAD_SIRT, _P.SEE_OPERATIONS, _P.SEE_RULES},
    Role.TRIAGE_DESK: _RESPONDS | {_P.TRIAGE_DESK_QUEUE, _P.LEAD_TRIAGE_DESK, _P.SEE_OPERATIONS, _P.SEE_RULES},
    Role.ACCOUNT_OPERATOR: frozenset({_P.REPORT, _P.SEE_REGISTER}),
    Role.ACCOUNT_OWNER: frozenset({_P.REPORT, _P.SEE_REGISTER, _P.REQUEST_ACCOUNTS, _P.RECORD_GATES}),
    Role.APPROVER: frozenset({_P.REPORT, _P.SEE_REGISTER, _P.APPROVE_ACCOUNTS}),
    Role.ADVICE_CENTRE: _RESPONDS | {_P.ADVICE_QUEUE, _P.CLEAR_NEW_PLATFORMS},
    Role.POLICY_STANDARDS: _RESPONDS | {_P.POLICY_STANDARDS_QUEUE, _P.GRANT_EXCEPTIONS, _P.SEE_RULES},
    Role.POLICY_OWNER: frozenset({_P.REPORT, _P.SEE_RULES}),
    Role.COMMS: frozenset({_P.REPORT, _P.SEE_REGISTER, _P.MANAGE_REGISTER, _P.REQUEST_ACCOUNTS, _P.RECORD_GATES}),
    Role.MONITORING: frozenset({_P.REPORT, _P.REPORT_FROM_MONITORING, _P.SEND_EVENTS}),
    Role.SUPPLIER: frozenset({_P.REPORT, _P.REPORT_AS_SUPPLIER, _P.SEND_EVENTS}),
    Role.INSPECTOR: frozenset({_P.REPORT, _P.SEE_REGISTER}),
    Role.OPERATIONS: frozenset({_P.REPORT, _P.OPERATE_DEAD_LETTERS, _P.SEE_OPERATIONS, _P.SEE_RULES}),
    Role.ADMINISTRATOR: frozenset({_P.REPORT, _P.ADMINISTER}),
}
"""An administrator never sees case content; operations never sees a body."""

QUEUES: Mapping[Team, Permission] = {
    Team.SMART: _P.SMART_QUEUE,
    Team.SIRT: _P.SIRT_QUEUE,
    Team.TRIAGE_DESK: _P.TRIAGE_DESK_QUEUE,
    Team.ADVICE_CENTRE: _P.ADVICE_QUEUE,
    Team.POLICY_STANDARDS: _P.POLICY_STANDARDS_QUEUE,
    Team.LINE_MANAGER: _P.LEAD_TRIAGE_DESK,
}
"""Who works on which team's queue. Line managers work on the manager page; the triage desk watches their cases, so that
a case no manager works on can go to another team (decision 0018)."""
LEADS: Mapping[Team, Permission] = {
    Team.SMART: _P.LEAD_SMART,
    Team.SIRT: _P.LEAD_SIRT,
    Team.TRIAGE_DESK: _P.LEAD_TRIAGE_DESK,
    Team.LINE_MANAGER: _P.LEAD_TRIAGE_DESK,
    Team.ADVICE_CENTRE: _P.ADVICE_QUEUE,
    Team.POLICY_STANDARDS: _P.POLICY_STANDARDS_QUEUE,
}
"""Who leads which team. Teams without a lead of their own decide together."""


ROLE_NAMES: Mapping[Role, str] = {
    Role.REPORTER: "everyone who works here",
    Role.SMART_RESPONDER: "responders of the Social Media Abuse Response Team (SMART)",
    Role.SMART_LEAD: "SMART’s leads",
    Role.SIRT_RESPONDER: "responders of the Security Incident Response Team (SIRT)",
    Role.SIRT_LEAD: "SIRT’s leads",
    Role.TRIAGE_DESK: "the triage desk",
    Role.ACCOUNT_OPERATOR: "operators of accounts",
    Role.ACCOUNT_OWNER: "owners of accounts",
    Role.APPROVER: "approvers of accounts",
    Role.ADVICE_CENTRE: "the Security Advice Centre",
    Role.POLICY_STANDARDS: "the Security Policy and Standards Team",
    Role.POLICY_OWNER: "the owner of the policy",
    Role.COMMS: "the communications team",
    Role.MONITORING: "the monitoring team",
    Role.SUPPLIER: "suppliers",
    Role.INSPECTOR: "inspectors",
    Role.OPERATIONS: "the operations team",
    Role.ADMINISTRATOR: "administrators",
}
"""What pages call the people who have a role."""


def roles_with(permission: Permission) -> list[Role]:
    """Return the roles that allow `permission`."""
    return [role for role in Role if permission in ROLE_PERMISSIONS[role]]


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return all permissions of a person with `roles`."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person or client, as their token says."""

    subject: str
    staff_id: StaffId | None
    name: str | None
    email: str | None
    roles: frozenset[Role]

    def may(self, permission: Permission) -> bool:
        """Return whether any of the principal's roles allows `permission`."""
        return permission in permissions_of(self.roles)


@dataclass(frozen=True, slots=True)
class Session:
    """A principal, when they signed in, and from when until when their token is valid."""

    principal: Principal
    started_at: datetime
    issued_at: datetime
    expires_at: datetime
    id: UUID | None = None
    """Stays the same when the session is renewed; None for bearer tokens, and for sessions of earlier versions."""
    form_nonce: str | None = None
    """What the form tokens of this session are made of; None as above."""
