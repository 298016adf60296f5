"""What the published schemas of machine forms ask, as JSON Schema in our own words.

Read on 30 November 2026; each has the address of its source. Only what a sender has to keep is here. XARF is not: the
package `xarf` of its authors carries its schemas.

- AT Protocol: github.com/bluesky-social/atproto, `lexicons/com/atproto/moderation/createReport.json` with
  `com/atproto/admin/defs.json#repoRef` and `com/atproto/repo/strongRef.json`; formats: atproto.com/specs/lexicon
- the reasons of such a report: `lexicons/tools/ozone/report/defs.json` there, at d6296a1c
- Mastodon: github.com/mastodon/documentation, `content/en/methods/reports.md` at 2903485d
- ActivityStreams: www.w3.org/TR/activitystreams-vocabulary, `Flag`; Mastodon's use of it, under
  docs.joinmastodon.org/spec/activitypub, and what it takes: github.com/mastodon/mastodon at 67c93e70,
  `app/lib/activitypub/activity/flag.rb`. It finds a local account by `/users/NAME` whatever the account's own address
  is, cuts the text at 5,000 characters, and wants the id on the actor's server
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

REASONS: Mapping[str, str] = {
    "tools.ozone.report.defs#reasonViolenceThreats": "Threats or incitement",
    "tools.ozone.report.defs#reasonSexualNCII": "Non-consensual intimate imagery",
    "tools.ozone.report.defs#reasonHarassmentTroll": "Trolling",
    "tools.ozone.report.defs#reasonHarassmentTargeted": "Targeted harassment",
    "tools.ozone.report.defs#reasonHarassmentHateSpeech": "Hate speech",
    "tools.ozone.report.defs#reasonHarassmentDoxxing": "Doxxing",
    "tools.ozone.report.defs#reasonMisleadingImpersonation": "Impersonation",
    "tools.ozone.report.defs#reasonMisleadingScam": "Scam",
    "tools.ozone.report.defs#reasonOther": "Other",
}
"""The reasons of a `createReport` that fit what is reported here, in the words of their definitions.

A reason of `com.atproto.moderation.defs` is refused by a service that names only the newer ones
(`packages/ozone/src/mod-service/profile.ts`), which is why there is none.
"""
MASTODON_CATEGORIES = frozenset({"spam", "legal", "violation", "other"})


def wrong(schema: Schema, form: object) -> list[str]:
    """Return what is wrong with a form."""
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(form)]
