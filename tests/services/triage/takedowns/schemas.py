"""What the published schemas of machine forms ask, as JSON Schema in our own words.

Read on 30 November 2026; each has the address of its source. Only what a sender has to keep is here.

- AT Protocol: github.com/bluesky-social/atproto, `lexicons/com/atproto/moderation/createReport.json` with
  `com/atproto/admin/defs.json#repoRef` and `com/atproto/repo/strongRef.json`; formats: atproto.com/specs/lexicon
- the reasons of such a report: `lexicons/tools/ozone/report/defs.json` there, at 028ddd21
- Mastodon: github.com/mastodon/documentation, `content/en/methods/reports.md` at 2903485d
- ActivityStreams: www.w3.org/TR/activitystreams-vocabulary, `Flag`; Mastodon's use of it, under
  docs.joinmastodon.org/spec/activitypub
- XARF 4: github.com/xarf/xarf-spec, `schemas/v4/xarf-core.json` and `schemas/v4/types/content-*.json`
"""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

Schema = Mapping[str, Any]


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, **more: object) -> Schema:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": properties, **more}


_TEXT, _URI = {"type": "string"}, {"type": "string", "format": "uri"}
_DID = {"type": "string", "pattern": r"^did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]$"}
_AT_URI = {"type": "string", "pattern": r"^at://did:[a-z]+:[a-zA-Z0-9._:%-]+(/[a-zA-Z0-9.-]+(/[a-zA-Z0-9._~:-]+)?)?$"}
_CID = {"type": "string", "pattern": "^[a-zA-Z0-9+=]{8,256}$"}
_REPO = _object({"$type": {"const": "com.atproto.admin.defs#repoRef"}, "did": _DID})
_RECORD = _object({"$type": {"const": "com.atproto.repo.strongRef"}, "uri": _AT_URI, "cid": _CID})
CREATE_REPORT = _object(
    {"reasonType": _TEXT, "subject": {"oneOf": [_REPO, _RECORD]}},
    {"reason": {"type": "string", "maxLength": 2_000}},
    additionalProperties=False,
)
"""`maxGraphemes` is 2,000: characters are not fewer. `knownValues` of the reason is an open list."""

FLAG = _object(
    {
        "@context": {"const": "https://www.w3.org/ns/activitystreams"},
        "id": _URI,
        "type": {"const": "Flag"},
        "actor": _URI,
        "object": {"type": "array", "minItems": 1, "items": _URI},
    },
    {"to": {"type": "array", "items": _URI}, "content": _TEXT},
)

_CONTACT = _object(
    {
        "org": {"type": "string", "maxLength": 200},
        "contact": {"type": "string", "format": "email"},
        "domain": {"type": "string", "format": "hostname"},
    },
    additionalProperties=False,
)
_TIME = {"type": "string", "format": "date-time"}
_VERIFIED = ("manual", "automated_crawler", "user_report", "honeypot", "threat_intelligence")
_XARF = _object(
    {
        "xarf_version": {"type": "string", "pattern": r"^4\.[0-9]+\.[0-9]+$"},
        "report_id": {"type": "string", "format": "uuid"},
        "timestamp": _TIME,
        "reporter": _CONTACT,
        "sender": _CONTACT,
        "source_identifier": _TEXT,
        "category": {"const": "content"},
        "type": _TEXT,
        "url": _URI,
    },
    {
        "evidence_source": _TEXT,
        "description": {"type": "string", "maxLength": 1_000},
        "domain": {"type": "string", "format": "hostname"},
        "verified_at": _TIME,
        "verification_method": {"enum": list(_VERIFIED)},
        "target_brand": _TEXT,
    },
)
_INFRINGEMENTS = (
    *("counterfeit", "typosquatting", "lookalike", "homograph", "unauthorized_reseller", "trademark_violation"),
    *("brand_impersonation", "logo_misuse", "other"),
)
_DATA = (
    *("personal_information", "credentials", "financial", "medical", "government_id", "email_addresses"),
    *("phone_numbers", "api_keys", "database_dumps", "source_code", "internal_documents", "customer_data"),
    *("employee_data", "intellectual_property", "other"),
)
_METHODS = (
    *("misconfigured_server", "open_directory", "database_exposure", "git_repository", "backup_file", "log_file"),
    *("cloud_storage", "paste_site", "forum_post", "ransomware_leak", "intentional_leak", "other"),
)
_REACHED_BY = ("public", "requires_authentication", "requires_payment", "dark_web", "removed")
REASONS: Mapping[str, str] = {
    "tools.ozone.report.defs#reasonViolenceThreats": "Threats or incitement",
    "tools.ozone.report.defs#reasonSexualNCII": "Non-consensual intimate imagery",
    "tools.ozone.report.defs#reasonHarassmentTroll": "Trolling",
    "tools.ozone.report.defs#reasonHarassmentTargeted": "Targeted harassment",
    "tools.ozone.report.defs#reasonHarassmentHateSpeech": "Hate speech",
    "tools.ozone.report.defs#reasonHarassmentDoxxing": "Doxxing",
    "tools.ozone.report.defs#reasonMisleadingImpersonation": "Impersonation",
    "tools.ozone.report.defs#reasonMisleadingScam": "Scam",
    "com.atproto.moderation.defs#reasonOther": "Other",
}
"""The reasons of a `createReport` that fit what is reported here, with their descriptions."""
MASTODON_CATEGORIES = frozenset({"spam", "legal", "violation", "other"})
XARF: Mapping[str, Schema] = {
    "phishing": {"allOf": [_XARF, _object({"type": {"const": "phishing"}})]},
    "brand_infringement": {
        "allOf": [
            _XARF,
            _object(
                {
                    "type": {"const": "brand_infringement"},
                    "infringement_type": {"enum": list(_INFRINGEMENTS)},
                    "legitimate_site": _URI,
                }
            ),
        ]
    },
    "exposed_data": {
        "allOf": [
            _XARF,
            _object(
                {
                    "type": {"const": "exposed_data"},
                    "data_types": {"type": "array", "minItems": 1, "items": {"enum": list(_DATA)}},
                    "exposure_method": {"enum": list(_METHODS)},
                },
                {"accessibility": {"enum": list(_REACHED_BY)}},
            ),
        ]
    },
}


def wrong(schema: Schema, form: object) -> list[str]:
    """Return what is wrong with a form."""
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(form)]
