"""CSV: imports report every bad row, exports are safe to open."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.registry.accounts import csv_file
from services.registry.accounts.csv_file import ImportResult, export_csv, import_csv
from services.registry.accounts.handlers import register
from services.registry.accounts.queries import AccountFilter, all_accounts
from services.registry.context.forms import RegistryForm
from shared.csv import line
from shared.db.database import Database
from shared.events.platforms import PLATFORMS, is_address
from shared.events.vocabulary import AccountClass, AccountStatus
from tests.services.registry.conftest import IDS, NOW, OFFICIAL, OUTBOX, events_of
from tests.support.addresses import NOTHING, is_understood

SERVICE = "registry"
SAMPLE = Path(__file__).resolve().parents[4] / "deploy" / "sample" / "accounts.csv"
HEADER = "platform,handle,class,status,title,owner\n"


async def imported(database: Database, text: str, *, accept_valid: bool = False) -> ImportResult:
    async with database.transaction() as session:
        return await import_csv(
            session, text, accept_valid=accept_valid, outbox=OUTBOX, now=NOW, ids=IDS, actor="system:test"
        )


async def handles(database: Database) -> set[str]:
    async with database.transaction() as session:
        return {account.registration.handle async for account in all_accounts(session, AccountFilter())}


async def test_the_sample_accounts_are_importable_and_twice_changes_nothing(database: Database) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    assert await imported(database, text) == ImportResult(registered=12, unchanged=0, errors=(), applied=True)
    assert await imported(database, text) == ImportResult(registered=0, unchanged=12, errors=(), applied=True)
    assert len(await events_of(database)) == 12


@pytest.mark.policy("Sc-d")
async def test_existing_accounts_come_as_legacy_with_a_date_for_their_checks(database: Database) -> None:
    await imported(database, HEADER + "x,some,official,legacy,,\n")
    async with database.transaction() as session:
        (account,) = [account async for account in all_accounts(session, AccountFilter())]
    assert account.registration.status is AccountStatus.LEGACY
    assert account.registration.checks_due_on == NOW.date() + timedelta(days=90)


@pytest.mark.policy("Sc-d")
@pytest.mark.parametrize("header", ["platform,handle,class", "platform,handle,class,status"])
async def test_an_account_without_a_stated_status_still_has_to_pass_its_checks(database: Database, header: str) -> None:
    """Only an account that the file calls live is live; a union's account is outside the policy and has no checks."""
    cell = "," if header.endswith("status") else ""
    await imported(database, f"{header}\nx,some,official{cell}\nx,branch,union{cell}\n")
    async with database.transaction() as session:
        found = [account.registration async for account in all_accounts(session, AccountFilter())]
    assert {one.handle: (one.status, one.checks_due_on) for one in found} == {
        "some": (AccountStatus.LEGACY, NOW.date() + timedelta(days=90)),
        "branch": (AccountStatus.LIVE, None),
    }


@pytest.mark.parametrize("column", ["next_review_on", "checks_due_on"])
@pytest.mark.parametrize("day", ["soon", "0001-01-01", "9999-12-31"])
async def test_a_day_that_a_form_would_not_take_is_no_day_in_a_file(database: Database, column: str, day: str) -> None:
    """Otherwise the checks of a legacy account might never be due (Sc-d)."""
    result = await imported(database, f"platform,handle,class,status,{column}\nx,some,official,legacy,{day}\n")
    assert [(error.row, error.column) for error in result.errors] == [(2, column)]
    assert await handles(database) == set()


BAD_ROWS = [
    ("myspace_2,some,official,,,", "platform"),
    ("x,no spaces please,official,,,", "handle"),
    ("x,secretcanary\0,official,,,", "handle"),
    ("x,https://www.facebook.com/secretcanary,official,,,", "handle"),
    ("instagram,https://www.instagram.com/share/secretcanary,official,,,", "handle"),
    ("other,https://forum.example.org/u/secretcanary,official,,,", "handle"),
    ("facebook,pg,official,,,", "handle"),
    ("x,some,personal,,,", "class"),
    ("x,some,official,frozen,,", "status"),
    ("x,some,union,,secretcanary,", "title"),
    ("x,some,union,,,secretcanary", "owner"),
    ("x,some,professional_individual,,,", "approved_person"),
    ("x,some,linkedin,,,", "platform"),
    (f"x,some,official,,{'a' * 201},", "title"),
    ("x,some,official,,", ""),
    ("x,some,official,,,,", ""),
]


@pytest.mark.policy("D-personal")
@pytest.mark.policy("C-j")
@pytest.mark.parametrize(("row", "column"), BAD_ROWS)
async def test_a_bad_row_is_named_and_keeps_the_whole_file_out(database: Database, row: str, column: str) -> None:
    result = await imported(database, f"{HEADER}x,fine,official,,,\n\n{row}\n")
    assert [(error.row, error.column) for error in result.errors] == [(4, column)]
    assert "secretcanary" not in repr(result)
    assert not result.applied
    assert await handles(database) == set()


async def test_valid_rows_are_taken_when_asked_for(database: Database) -> None:
    bad = "".join(f"{row}\n" for row, _ in BAD_ROWS)
    result = await imported(database, f"{HEADER}{bad}x,fine,official,,,\n", accept_valid=True)
    assert (result.registered, result.applied) == (1, True)
    assert [error.row for error in result.errors] == list(range(2, 2 + len(BAD_ROWS)))
    assert await handles(database) == {"fine"}


@pytest.mark.policy("S4")
async def test_a_handle_twice_in_a_file_or_already_registered_is_refused(database: Database) -> None:
    await imported(database, HEADER + "x,taken,official,,,\n")
    text = HEADER + "x,twice,official,,,\nx,@Twice,union,,,\nx,taken,union,,,\nx,taken2,official,,,\n"
    result = await imported(database, text, accept_valid=True)
    assert [(error.row, error.column) for error in result.errors] == [(2, "handle"), (3, "handle"), (4, "handle")]
    assert await handles(database) == {"taken", "taken2"}


@pytest.mark.policy("Sc-c")
@pytest.mark.parametrize("changed", ["sc", ""])
async def test_a_file_that_asks_for_other_vetting_than_the_register_is_refused(
    database: Database, changed: str
) -> None:
    """Otherwise the file's sender believes that its operators need checks which the register does not require."""
    text = "platform,handle,class,status,vetting_required\nx,some,official,live,{}\n"
    await imported(database, text.format("ctc"))
    assert (await imported(database, text.format("ctc"))).unchanged == 1
    result = await imported(database, text.format(changed))
    assert [(error.row, error.column) for error in result.errors] == [(2, "handle")]
    assert "another vetting_required" in result.errors[0].reason
    assert (result.unchanged, result.applied) == (0, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "platform,handle\nx,some\n",
        "platform,handle,class,class\nx,some,official,official\n",
        "platform,handle,class,secretcanary\nx,some,official,1\n",
        'platform,handle,class\nx,"some,official\n',
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_as_a_whole(database: Database, text: str) -> None:
    result = await imported(database, text, accept_valid=True)
    assert (result.registered, result.applied) == (0, False)
    assert len(result.errors) == 1
    assert "secretcanary" not in repr(result)


@given(st.text(max_size=300) | st.text(max_size=200).map(lambda rest: HEADER + rest))
def test_any_text_is_read_without_failing(text: str) -> None:
    file = csv_file.read(text, NOW.date())
    assert all(error.reason for error in file.errors)


async def test_an_export_can_be_imported_again(database: Database) -> None:
    await imported(database, SAMPLE.read_text(encoding="utf-8"))
    async with database.transaction() as session:
        text = await export_csv(session)
    assert (await imported(database, text)).unchanged == 12


@pytest.mark.parametrize("title", ["A  B", "Cafe\u0301", "A\u00a0B", "A\u200bB", " A "])
async def test_an_export_can_be_imported_again_however_the_register_spells_a_title(
    database: Database, title: str
) -> None:
    async with database.transaction() as session:
        await register(session, [replace(OFFICIAL, title=title)], outbox=OUTBOX, now=NOW, ids=IDS, actor="S8003")
        text = await export_csv(session)
    result = await imported(database, text)
    assert (result.unchanged, result.errors) == (1, ())


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_runs_nothing_that_was_exported(start: str) -> None:
    formula = f"{start}cmd|' /C calc'!A0"
    lines = "".join(csv_file.write([replace(OFFICIAL, title=formula, handle=formula)]))
    cells = next(csv.reader(io.StringIO(lines.split("\r\n", 1)[1], newline="")))
    assert cells[1].startswith("'")
    assert all(not cell.startswith(start) for cell in cells)


@given(st.sampled_from(["+447700900123", "'=x", "=x"]))
def test_the_mark_against_formulas_is_taken_off_again(title: str) -> None:
    text = "".join(csv_file.write([replace(OFFICIAL, title=title)]))
    ((_, registration),) = csv_file.read(text, NOW.date()).rows
    assert registration.title == title
    assert registration.account_class is AccountClass.OFFICIAL


@given(st.sampled_from(list(PLATFORMS)), st.sampled_from(NOTHING), st.text(max_size=5))
def test_whatever_follows_an_address_that_is_not_understood_is_never_registered(
    platform: str, nothing: tuple[str, str], more: str
) -> None:
    address = f"{nothing[1]}{more}"
    assume(is_address(address) and not is_understood(platform, address))
    form = RegistryForm({"platform": [platform], "handle": [address]})
    assert form.handle(form.platform()) is None


def test_an_address_that_names_no_account_is_never_registered() -> None:
    asked = [(slug, address) for slug, address in NOTHING if is_address(address)]
    rows = "".join(line((slug, address, "official")) for slug, address in asked)
    file = csv_file.read("platform,handle,class\n" + rows, NOW.date())
    assert file.rows == ()
    assert {(error.row, error.column) for error in file.errors} == {(row, "handle") for row in range(2, len(asked) + 2)}
    for slug, address in asked:
        form = RegistryForm({"platform": [slug], "handle": [address]})
        assert (address, form.handle(form.platform())) == (address, None)
        assert form.errors.message("handle") is not None
