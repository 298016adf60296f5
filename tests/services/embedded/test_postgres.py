"""Whether a data directory's server runs is read from a file that the server writes."""

from pathlib import Path

import pytest

from services.embedded.data_directory import DataDirectory
from services.embedded.postmaster import socket_of_running


@pytest.mark.parametrize("written", ["", "4711\n"])
def test_a_file_that_is_still_being_written_names_no_server(tmp_path: Path, written: str) -> None:
    directory = DataDirectory(tmp_path)
    directory.postgres.mkdir()
    (directory.postgres / "postmaster.pid").write_text(written)
    assert socket_of_running(directory) is None
