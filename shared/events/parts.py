"""What reports are made of: people, accounts, and what was added later."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.events.vocabulary import Confidentiality, Open, Relation, WorkerKind, YesNoUnsure


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Reporter(_Part):
    """Who reported. All fields but `confidentiality` are None for an anonymous reporter."""

    confidentiality: Open[Confidentiality]
    staff_id: str | None = None
    name: str | None = None
    email: str | None = None
    kind: Open[WorkerKind] | None = None
    safe_contact: str | None = None


class Person(_Part):
    """A person affected or suspected, as far as the reporter knows."""

    relation: Open[Relation]
    name: str | None = None
    staff_id: str | None = None
    handle: str | None = None


class Subject(_Part):
    """Who a misuse report is about, as far as the reporter knows."""

    name: str | None = None
    staff_id: str | None = None
    handle: str | None = None


class AccountInvolved(_Part):
    """The social media account that a security incident involves."""

    platform: str
    handle: str | None = None
    taken_over: Open[YesNoUnsure] = YesNoUnsure.UNSURE


class Added(_Part):
    """What a reporter added after sending, or answered to a team's question."""

    added_at: AwareDatetime
    text: str | None = None
    answers_question: bool = False
