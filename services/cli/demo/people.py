"""People of the sample directory (`deploy/sample/directory.csv`) who report, and about whom is reported. Pure."""

from dataclasses import dataclass

from services.cli.demo.planned import Sender
from shared.auth.permissions import Role


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody, and the address of who manages them."""

    staff_id: str
    name: str
    manager_email: str | None

    @property
    def as_reporter(self) -> Sender:
        return Sender(Role.REPORTER, self.staff_id)


_HARBOUR_STREET = "grace.okafor@example.org"
_MILL_LANE = "daniel.price@example.org"
_NORTH = "fatima.noor@example.org"

STAFF = (
    Staff("S1001", "Priya Shah", _HARBOUR_STREET),
    Staff("S1002", "Tom Evans", _HARBOUR_STREET),
    Staff("S1003", "Chloe Baxter", _HARBOUR_STREET),
    Staff("S1004", "Yusuf Demir", _HARBOUR_STREET),
    Staff("S1005", "Siân Rowlands", _MILL_LANE),
    Staff("S1006", "Callum Fraser", _MILL_LANE),
    Staff("S1007", "Mei Lin", _MILL_LANE),
    Staff("S1008", "Joseph Adeyemi", _NORTH),
    Staff("S1009", "Hannah Weiss", _MILL_LANE),
    Staff("S1010", "Rory O'Neill", _NORTH),
    Staff("S1011", "Anita Desai", _NORTH),
)
"""They report, and are reported."""
CONTRACTOR = Staff("S1012", "Luca Moretti", None)
"""In the directory, without anybody who manages him."""
STRANGER = Staff("S1999", "Robin Unlisted", None)
"""Signed in, and in no directory."""
MONITORING = Sender(Role.MONITORING, "S8004")
SUPPLIER = Sender(Role.SUPPLIER, "S8005")
