"""How a reporter may be reached: the table of decision 0055."""

import pytest

from shared.addresses import SafeWay, safe_way

OWN, HOME = "priya@example.org", "home@elsewhere.example"
NOWHERE = SafeWay()
SAID = [
    (None, None),
    ("", None),
    (" \n", None),
    (HOME, HOME),
    (f" {HOME.upper()} ", HOME),
    ("07700 900123, after 6pm", ""),
    (f"{HOME} but not before 6pm", ""),
    (f"{HOME}, {OWN}", ""),
    (f"my sister: {HOME}", ""),
    ("@priya", ""),
]
"""What is said to be safe, and the address it gives: None if nothing is said, empty if it is no address."""


@pytest.mark.parametrize("staff_id", ["S1001", None])
@pytest.mark.parametrize("email", [OWN, None, "not an address"])
@pytest.mark.parametrize(("said", "given"), SAID)
@pytest.mark.parametrize("confidentiality", ["named", "confidential", "anonymous", "unrecognised"])
def test_a_reporter_is_emailed_where_they_said_it_is_safe_and_nowhere_else(
    confidentiality: str, said: str | None, given: str | None, email: str | None, staff_id: str | None
) -> None:
    way = safe_way(confidentiality, safe_contact=said, email=email, staff_id=staff_id)
    if confidentiality not in {"named", "confidential"}:
        assert way == NOWHERE
    elif given is not None:
        assert way == SafeWay(given or None)
    elif confidentiality == "confidential":
        assert way == NOWHERE
    else:
        assert way == SafeWay(OWN if email == OWN else None, staff_id)
    assert way.by_email == bool(way.address or way.staff_id)
