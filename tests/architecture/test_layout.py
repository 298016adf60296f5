"""Where things are and how large they may be."""

import re
from collections.abc import Iterator, Mapping

import pytest

from tests.architecture.figures import SEVEN
from tests.architecture.source import ROOT, SERVICES, Module, modules_of_tests, product_modules

OTHER_NAMES: Mapping[str, str] = {
    # Adapters, named for what they adapt.
    "calendar": "govuk-bank-holidays",
    "cel": "the CEL library",
    "objects": "obstore",
    "clauses_yaml": "the file of the clause table",
    "cloudevents": "the CloudEvents SDK",
    "clamd": "ClamAV's client",
    "csv_file": "the columns of a file, by shared.csv",
    "emails": "Python's parser of emails, in the child process",
    "multipart": "python-multipart",
    "notify": "GOV.UK Notify's client",
    "oidc": "authlib",
    "outlook": "Outlook's files, in the child process",
    "pdf": "typst, in a child process",
    "pdfs": "pypdfium2, in the child process",
    "pictures": "Pillow, in the child process",
    "recordings": "av, in the child process",
    "smtp": "aiosmtplib",
    "tasks_yaml": "the file of tasks by kind",
    "sources_yaml": "the file of inbound sources",
    # Edges that pages and the API of a capability share.
    "bodies": "JSON bodies of several reports, read by two capabilities",
    "consumer": "a second consumer of a service, with a reader of its own",
    "downloads": "what a grant of triage lets its holder do",
    "dependencies": "what the routes of api.py and pages.py both ask for",
    "front_door": "the personas' and the provider's sign-in behind one set of pages",
    "refusals": "one row for each domain error, read by API and page",
    "session": "a person's way through a form, in its cookie",
    "signed_in": "who a signed-in person is in the directory",
    "views": "what pages show of a thing",
    # One module for each form.
    "abuse": "a form",
    "advice": "a form",
    "exception": "a form",
    "incident": "a form",
    "misuse": "a form",
    "questions": "questions that several forms ask",
    "reader": "from what was typed to a report's parts",
    "steps": "which page of a form comes next",
    # Use cases and decisions on a topic of their own, beside the layer's first module.
    "activities": "what the activity record says, in words",
    "access": "who may see a case, or a report's status",
    "changes": "how an account is locked, changed and announced; which cases changed",
    "charts": "what a panel of a dashboard is made of",
    "checks": "what is wrong with a report's texts",
    "child": "the process that opens files, and its limits",
    "commands": "the misuse, incident and advice commands",
    "composer": "makes emails from what is decided",
    "dashboard": "the operations page's parts",
    "decisions": "stores who is alerted and why",
    "delegations": "an approver's proxies",
    "digests": "many alerts in one email",
    "english": "the words of emails",
    "evaluation": "whether an operator is authorised now",
    "kinds": "the five kinds of report in one table",
    "lists": "finds cases in an order, filtered, a page at a time",
    "live": "the figures of the event stream",
    "loop": "the delivery role",
    "media": "what a file is by its content, and what is taken",
    "notices": "what a platform is asked, by its own categories",
    "exports": "the archive of a case's documents and evidence",
    "endpoints": "httpx, to platforms that take machine forms",
    "protocols": "the forms that machines read, by their schemas",
    "panels": "the panels of a dashboard about one topic",
    "normalise": "from an event to triage's report",
    "repeats": "who is targeted again, in reports of 30 days",
    "reload": "watches the rule book's file",
    "renderer": "cleaned copies and previews, by a child process each",
    "rulebook": "reads and checks the rule book",
    "rulings": "what only the desk, SIRT or a lead decides about a case",
    "sources": "what an inbound source may send",
    "status": "a report's status in words",
    "files": "the files of a form, between its draft and evidence",
    "sent_files": "the files of a form once its report is sent",
    "attachments": "how an upload becomes evidence",
    "streams": "what sound and pictures may say of their maker, left out",
    "suggestions": "which cases may belong together, by what their reports share",
    "sweeps": "what is done about files and machine forms in the course of time",
    "tus": "resumable uploads by tus",
    "uploads": "how files are received, and wait",
    "triggers": "alerts that are decided without a case",
    "work": "who acts on the register, when, in which transaction",
    "writer": "writes cases, their clocks, activities and events",
}
"""Every other module name in a capability, and why it is none of the seven (docs/architecture.md)."""
GERUND = re.compile(r"(?:^|_)[a-z]+ing(?:_|$)")
SERVICE_FILES = {"__init__", "app", "consumer", "settings", "tables"}
LONGEST_MODULE = 500  # do not split a topic only to fit a number, but a module this long covers two
LONGEST_TEST_MODULE = 500
LONGEST_FUNCTION = 40
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}


def capabilities() -> Iterator[tuple[str, list[Module]]]:
    """Yield each capability with its modules."""
    names = sorted({module.capability for module in product_modules() if module.capability})
    for name in names:
        yield name, [module for module in product_modules() if module.capability == name]


def test_no_file_is_named_for_nothing() -> None:
    named = [m.path for m in (*product_modules(), *modules_of_tests()) if m.name.rpartition(".")[2] in SAYS_NOTHING]
    assert named == []


def test_a_capability_has_the_same_few_modules() -> None:
    names = {module.stem for module in product_modules() if module.capability} - SEVEN - {"__init__"}
    assert names == set(OTHER_NAMES)


def test_no_module_is_named_by_a_gerund() -> None:
    modules = (*product_modules(), *(m for m in modules_of_tests() if not m.stem.startswith("test_")))
    assert [module.path for module in modules if GERUND.search(module.stem)] == []


def test_no_class_is_named_for_nothing() -> None:
    vague = re.compile(r"Manager$|^Base\w*Service$")
    named = [f"{module.path}: {kind.name}" for module in product_modules() for kind in module.classes()]
    assert [name for name in named if vague.search(name.rpartition(" ")[2])] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_wiring_and_capabilities_and_nothing_else(service: str) -> None:
    files = {path.stem for path in (ROOT / "services" / service).glob("*.py")}
    assert files <= SERVICE_FILES
    assert {"app", "settings"} <= files


def test_modules_tell_one_story() -> None:
    long = [f"{module.path}: {module.lines}" for module in product_modules() if module.lines > LONGEST_MODULE]
    long += [f"{module.path}: {module.lines}" for module in modules_of_tests() if module.lines > LONGEST_TEST_MODULE]
    assert long == []


def test_functions_do_one_thing() -> None:
    long = [
        f"{module.path}:{function.lineno} {function.name}: {lines}"
        for module in (*product_modules(), *modules_of_tests())
        for function in module.functions()
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    ]
    assert long == []


def test_a_capability_never_reads_the_tables_of_another() -> None:
    strangers = [
        f"{module.path} imports {imported}"
        for name, modules in capabilities()
        for module in modules
        for imported in module.imports()
        if (owner := re.match(r"services\.(\w+)\.(\w+)\.tables\b", imported)) and f"{owner[1]}/{owner[2]}" != name
    ]
    assert strangers == []


def test_adapters_come_in_through_the_wiring() -> None:
    """A use case gets what it needs as arguments: it does not use the library behind an adapter."""
    reached = [
        f"{module.path} imports {imported}"
        for _, modules in capabilities()
        for module in modules
        if module.path.rpartition("/")[2] in {"domain.py", "handlers.py", "queries.py", "tables.py"}
        for imported in module.imports()
        if imported.partition(".")[0] in ADAPTED
    ]
    assert reached == []


ADAPTED = {"aiosmtplib", "cel_expr_python", "govuk_bank_holidays", "yaml", "jinja2", "aiokafka", "fastapi", "starlette"}
"""Libraries that belong behind an adapter or at the edge."""
