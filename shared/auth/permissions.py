"""The one table of what each role may do. Everything else asks it (`domain.md` §6)."""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Role(StrEnum):
    """What the identity provider says a person is. `manager` is a relation, not a role."""

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
    SMART_QUEUE = "smart_queue"
    SIRT_QUEUE = "sirt_queue"
    TRIAGE_DESK_QUEUE = "triage_desk_queue"
    ADVICE_QUEUE = "advice_queue"
    POLICY_STANDARDS_QUEUE = "policy_standards_queue"
    SEE_CASE_CONTENT = "see_case_content"
    WORK_CASES = "work_cases"
    LEAD_SMART = "lead_smart"
    LEAD_SIRT = "lead_sirt"
    SEE_REGISTER = "see_register"
    MANAGE_REGISTER = "manage_register"
    SEE_ALERTS = "see_alerts"
    OPERATE_DEAD_LETTERS = "operate_dead_letters"
    SEE_OPERATIONS = "see_operations"
    ADMINISTER = "administer"


_P = Permission
_RESPONDS = frozenset({_P.REPORT, _P.SEE_CASE_CONTENT, _P.WORK_CASES, _P.SEE_ALERTS, _P.SEE_REGISTER})
_SMART = _RESPONDS | {_P.SMART_QUEUE}
_SIRT = _RESPONDS | {_P.SIRT_QUEUE}

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.REPORTER: frozenset({_P.REPORT}),
    Role.SMART_RESPONDER: _SMART,
    Role.SMART_LEAD: _SMART | {_P.LEAD_SMART, _P.SEE_OPERATIONS},
    Role.SIRT_RESPONDER: _SIRT,
    Role.SIRT_LEAD: _SIRT | {_P.LEAD_SIRT, _P.SEE_OPERATIONS},
    Role.TRIAGE_DESK: _RESPONDS | {_P.TRIAGE_DESK_QUEUE},
    Role.ACCOUNT_OPERATOR: frozenset({_P.REPORT, _P.SEE_REGISTER}),
    Role.ACCOUNT_OWNER: frozenset({_P.REPORT, _P.SEE_REGISTER, _P.MANAGE_REGISTER}),
    Role.APPROVER: frozenset({_P.REPORT, _P.SEE_REGISTER}),
    Role.ADVICE_CENTRE: _RESPONDS | {_P.ADVICE_QUEUE},
    Role.POLICY_STANDARDS: _RESPONDS | {_P.POLICY_STANDARDS_QUEUE},
    Role.POLICY_OWNER: frozenset({_P.REPORT}),
    Role.COMMS: frozenset({_P.REPORT, _P.SEE_REGISTER, _P.MANAGE_REGISTER}),
    Role.MONITORING: frozenset({_P.REPORT, _P.REPORT_FROM_MONITORING}),
    Role.SUPPLIER: frozenset({_P.REPORT}),
    Role.INSPECTOR: frozenset({_P.REPORT, _P.SEE_REGISTER}),
    Role.OPERATIONS: frozenset({_P.REPORT, _P.OPERATE_DEAD_LETTERS, _P.SEE_OPERATIONS}),
    Role.ADMINISTRATOR: frozenset({_P.REPORT, _P.ADMINISTER}),
}
"""An administrator configures and never sees case content; operations never sees a body."""


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return everything that somebody with `roles` may do."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))
