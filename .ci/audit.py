"""Asks for known vulnerabilities of what the lock file names, and says plainly when no database could be asked.

pip-audit calls a package that its source does not know "skipped" and still succeeds. Here the exit status is 1 for a
vulnerability and, with REQUIRE_AUDIT=1, for packages left out of an audit. A database that cannot be reached at all,
which is no fault of the change, is one loud line and no failure.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCES = ("pypi", "osv")


def main(requirements: Path) -> int:
    """Audit `requirements` with the first source that answers for all of it."""
    left_out: list[str] = []
    for source in SOURCES:
        answer = ask(source, requirements)
        if answer is None:
            continue
        if vulnerable := [package for package in answer if package.get("vulns")]:
            return refuse(vulnerable)
        skipped = [str(package["name"]) for package in answer if "skip_reason" in package]
        if not skipped:
            print(f"audit: {len(answer)} dependencies, no known vulnerability ({source})")
            return 0
        if len(skipped) < len(answer):
            left_out = skipped
    if left_out:
        print(f"audit: NOT AUDITED: {', '.join(left_out)}")
        return 1 if os.environ.get("REQUIRE_AUDIT") == "1" else 0
    print("!!!! audit: NOT AUDITED: no vulnerability database can be reached. Run `make audit` where one can. !!!!")
    return 0


def ask(source: str, requirements: Path) -> list[dict[str, object]] | None:
    """Return pip-audit's answer by package, None when `source` did not answer."""
    with tempfile.NamedTemporaryFile(suffix=".json") as answer:
        options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--timeout", "10"]
        command = [sys.executable, "-m", "pip_audit", "-r", str(requirements), "-s", source, *options]
        subprocess.run([*command, "-f", "json", "-o", answer.name], check=False, capture_output=True)
        text = Path(answer.name).read_text("utf-8")
    return list(json.loads(text)["dependencies"]) if text else None


def refuse(packages: list[dict[str, object]]) -> int:
    """Print what is known against `packages`."""
    for package in packages:
        known = package["vulns"]
        ids = ", ".join(str(one["id"]) for one in known) if isinstance(known, list) else known
        print(f"audit: {package['name']} {package['version']}: {ids}")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
