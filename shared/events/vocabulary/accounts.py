"""Words of the register."""

from enum import StrEnum


class AccountClass(StrEnum):
    """What a social media account is (D-official, D-pia, D-linkedin, D-personal, C-j)."""

    OFFICIAL = "official"
    PROFESSIONAL_INDIVIDUAL = "professional_individual"
    LINKEDIN = "linkedin"
    UNION = "union"


class AccountStatus(StrEnum):
    """Where an account is in its life: on the register once it was approved, or legacy until it passed the checks."""

    LIVE = "live"
    LEGACY = "legacy"
    FROZEN = "frozen"
    CLOSED = "closed"


class WithdrawalReason(StrEnum):
    """Why somebody may no longer operate an account (S5, Sc-c, D-pia, S8)."""

    TRAINING_LAPSED = "training_lapsed"
    VETTING_LAPSED = "vetting_lapsed"
    EXCEPTION_EXPIRED = "exception_expired"
    ACCOUNT_FROZEN = "account_frozen"
    ACCOUNT_CLOSED = "account_closed"
    BY_DECISION = "by_decision"
