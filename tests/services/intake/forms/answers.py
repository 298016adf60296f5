"""Valid answers to every page of every form."""

from collections.abc import Mapping

from tests.services.intake.forms.browser import Page

Pages = Mapping[str, Page]
WHEN = {"occurred_at-day": "20", "occurred_at-month": "11", "occurred_at-year": "2026", "occurred_time": "2:30pm"}
DISCOVERED = {
    "discovered_at-day": "21",
    "discovered_at-month": "11",
    "discovered_at-year": "2026",
    "discovered_time": "9am",
}
CONTACT = {"safe_contact": "Call me after six", "worker_kind": "employee"}
INCIDENT: Pages = {
    "what": {"effects": ["disclosure", "loss"]},
    "how": {"circumstances": ["actual", "accidental"]},
    "whose": {"asset_owner": "dwp", "asset_note": "A list of names"},
    "when": {**WHEN, **DISCOVERED},
    "still-going-on": {"still_happening": "no"},
    "personal-data": {"personal_data": "yes", "people_affected": "1,200"},
    "account": {"social_account": "yes"},
    "which-account": {"account_platform": "x", "account_handle": "@jobs_account", "taken_over": "no"},
    "abuse": {"being_abused": "no"},
    "what-happened": {"narrative": "It was on the screen behind me."},
    "evidence": {"evidence": ["screenshots"], "evidence_note": "In my drawer"},
    "about-you": {"confidentiality": "named", "own_mistake": "yes"},
    "contact": CONTACT,
}
ABUSE_IN_INCIDENT: Pages = {
    **INCIDENT,
    "abuse": {"being_abused": "yes"},
    "affected": {"affected": ["self", "colleague"], "affected_colleague": "Tom Evans"},
    "where": {
        "platform": "facebook",
        "urls": "facebook.com/some/post",
        "handles": "@some_account",
        "content_state": "online",
    },
    "kind": {"behaviours": ["threat", "doxing"]},
    "manager": {"manager_alert": "yes", "manager_email": "grace.okafor@example.org"},
    "which-form": {"which_form": "stay"},
}
MISUSE: Pages = {
    "about-whom": {"subject_name": "Kit Marsh", "subject_staff_id": "S2002", "subject_handle": "@kit_marsh"},
    "misuse": {"misuse": ["association", "failure_to_report"]},
    "incident": {"related_reference": "sp 0000 0000"},
    "abuse": {"being_abused": "no"},
    "union-activity": {"union_activity": "no"},
    "account": {"account_kind": "personal"},
    "use": {"device": "personal", "own_time": "yes", "dwp_information": "no"},
    "taken-over": {"taken_over": "yes"},
    "where": {
        "platform": "other",
        "platform_name": "A village forum",
        "urls": "https://forum.example.org/1",
        "handles": "@kit",
        "content_state": "deleted",
    },
    "when": WHEN,
    "what-happened": {"narrative": "A logo beside an opinion."},
    "evidence": {"evidence": ["witness"], "evidence_note": "A friend saw it"},
    "manager": {"manager_alert": "yes", "manager_email": "grace.okafor@example.org"},
    "about-you": {"confidentiality": "confidential"},
    "contact": CONTACT,
}
ABUSE_IN_MISUSE: Pages = {
    **MISUSE,
    "abuse": {"being_abused": "yes"},
    "affected": {"affected": ["customer"], "affected_customer": "A family"},
    "kind": {"behaviours": ["discrimination"]},
    "which-form": {"which_form": "stay"},
}
ADVICE: Pages = {
    "topic": {"about": "requirement"},
    "question": {"narrative": "May we use a forum?"},
    "evidence": {},
    "contact": CONTACT,
}
EXCEPTION: Pages = {
    "kind": {"kind": "request"},
    "activity": {"narrative": "Run an account on a new network", "platform": "tiktok"},
    "business-case": {
        "business_case": "Claimants are there",
        "wanted_until-day": "31",
        "wanted_until-month": "3",
        "wanted_until-year": "2027",
    },
    "evidence": {},
    "contact": CONTACT,
}
NOTICE: Pages = {**EXCEPTION, "kind": {"kind": "notice"}}
