"""A table as a file."""

import csv
from io import StringIO

from services.triage.operations.figures import Table


def as_csv(table: Table) -> str:
    """Return the table as CSV (RFC 4180), with a line of headings; an unknown value is empty."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()
