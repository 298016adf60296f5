"""Writes what the privacy notice lists from the marks in every service's mappings: `make docs`."""

import json
import sys
from collections import defaultdict
from importlib import import_module

from tests.architecture.source import ROOT, SERVICES

PAGE = ROOT / "services" / "intake" / "notices" / "kept.json"


def page() -> str:
    """Return the whole file: record class → what is kept about people, in the words of the marks."""
    kept: dict[str, set[str]] = defaultdict(set)
    for service in SERVICES:
        for path in (ROOT / "services" / service).rglob("tables.py"):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for table in import_module(f"services.{service}.tables").Base.metadata.sorted_tables:
            for column in table.columns:
                if "personal" in column.info:
                    kept[column.info["retention"]].add(column.info["personal"])
    found = {record_class: sorted(what) for record_class, what in sorted(kept.items())}
    return json.dumps(found, indent=2) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} is written\n")
