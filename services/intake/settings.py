"""Settings of intake."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from services.intake.reports.domain import MAY_BE_ANONYMOUS
from shared.events.vocabulary import ReportType
from shared.settings import CommaSeparated, ServiceSettings


class OfficialChannel(BaseModel):
    """What a reporter must still do if Signpost is not the mandated channel yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    link: str | None = Field(default=None, pattern="^https?://")


FormName = Literal["abuse", "misuse", "incident", "supplier-incident", "advice", "exception"]
"""Every form, by its name in the URL."""
OFFICIAL_CHANNELS: dict[FormName, OfficialChannel] = {
    "incident": OfficialChannel(
        text="The policy asks for the DWP Security Incident Referral Webform, and Signpost does not replace it yet: "
        "send it there too. You find it on the intranet."
    )
}
SUPPLIER_TEXT = (
    "You report as a supplier or third party. The DWP Security Incident Management Standard (SS-014) says what your "
    "contract asks of you; this form does not change that."
)
SUPPLIER_FIELDS = ("Your organisation", "Contract reference", "Your own incident reference")


class IntakeSettings(ServiceSettings):
    """Settings of intake, besides the common ones."""

    intake_database_url: str
    """`postgresql+asyncpg://…` of intake's own database."""
    intake_inbound_sources: Path | None = None
    """A YAML file that says which events of other systems become which reports; by default the packaged sample."""
    oidc_client_id: str | None = None
    """Signpost's client id at the identity provider; needed if there is a provider."""
    oidc_client_secret: SecretStr | None = None
    """The secret of that client; a public client has none and relies on PKCE."""
    oidc_scopes: str = "openid profile email"
    """The scopes that sign-in asks for, separated by spaces."""

    intake_privacy_url: str | None = None
    """Where the organisation's own privacy notice is, with legal basis and data protection officer: `https://…`."""
    intake_policy_url: str | None = None
    """Where the social media policy itself can be read: an `https://` address."""
    intake_official_channels: dict[FormName, OfficialChannel] = OFFICIAL_CHANNELS
    """Forms that are not the mandated channel yet: JSON, a form's name (`abuse`, `misuse`, `incident`,
    `supplier-incident`, `advice`, `exception`) to `{"text": what the person must still do, "link": where, or null}`.
    `{}` if all are."""
    intake_supplier_text: str = SUPPLIER_TEXT
    """What suppliers read before they start the form for security incidents (SS-014 is not public)."""
    intake_supplier_fields: CommaSeparated = SUPPLIER_FIELDS
    """Further questions for suppliers: their labels, separated by commas."""
    intake_evidence_store: str = "evidence"
    """Where files are kept that people send: a folder, or a bucket such as `s3://bucket/prefix`, whose keys, region and
    endpoint are read from the variables of AWS's own tools (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …). All processes
    of intake must reach the same (`docs/operations/evidence.md`)."""
    intake_evidence_max_bytes: Annotated[int, Field(ge=1_000)] = 100_000_000
    """How many bytes one file may have."""
    intake_evidence_most_files: Annotated[int, Field(ge=1)] = 20
    """How many files may come with one message, or with a report itself."""
    intake_evidence_waiting_bytes: Annotated[int, Field(ge=1_000)] = 20_000_000_000
    """How many bytes may wait that people have begun to send and not sent yet, in all. A tenth of it may wait for one
    form or one report, and may come from one sender in an hour: a person or, without a sign-in, a network address."""

    intake_anonymous_reports: CommaSeparated = (ReportType.ABUSE,)
    """What people may report without saying who they are: `abuse` always, and `misuse` and `security_incident` where
    the organisation wants that, separated by commas."""

    @field_validator("intake_anonymous_reports")
    @classmethod
    def _may_be_anonymous(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        if not {ReportType.ABUSE} <= set(kinds) <= MAY_BE_ANONYMOUS:
            raise PydanticCustomError("signpost_anonymous", "must be abuse, and may add misuse and security_incident")
        return kinds

    intake_clamd: Annotated[str, Field(pattern=r"^(/.+|[^/\s]+:\d{1,5})$")] | None = None
    """The virus scanner: `host:port` of a clamd, or the path of its socket. Without one, files are not scanned, and
    the person who opens one reads that. Its `StreamMaxLength` must not be less than
    `SIGNPOST_INTAKE_EVIDENCE_MAX_BYTES`."""

    @field_validator("intake_policy_url", "intake_privacy_url")
    @classmethod
    def _secure_link(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith("https://"):
            raise PydanticCustomError("signpost_policy", "must be an https:// address")
        return url

    @field_validator("oidc_client_id")
    @classmethod
    def _named_to_the_provider(cls, client_id: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("oidc_issuer") and not client_id:
            raise PydanticCustomError("signpost_client", "is needed with SIGNPOST_OIDC_ISSUER")
        return client_id
