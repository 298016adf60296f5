"""A real store that speaks S3: SeaweedFS, one process, from a wheel. It checks signatures, as Amazon's does."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.support.ports import own_ports

BUCKET = "evidence"
_KEYS = {"AWS_ACCESS_KEY_ID": "key-of-tests", "AWS_SECRET_ACCESS_KEY": "secret-of-tests"}
_SERVERS = ("s3", "master", "volume", "filer", "admin")
_STARTS_WITHIN = 60.0


class S3ForTests:
    """One bucket on this machine, with its data in `folder`; it can end and start again."""

    def __init__(self, folder: Path) -> None:
        if sys.platform != "linux":
            pytest.skip("there is no wheel of SeaweedFS for this system")
        self._ports = own_ports(2 * len(_SERVERS))
        self._address = f"http://127.0.0.1:{self._ports[0]}"
        listens = [
            f"-{name}.port{kind}={self._ports[2 * number + more]}"
            for number, name in enumerate(_SERVERS)
            for more, kind in enumerate(("", ".grpc"))
        ]
        here = ("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", f"-bucket={BUCKET}")
        without = (
            "-webdav=false",
            "-admin.ui=false",
            "-s3.iam=false",
            "-s3.autoCreateBucket=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        )
        weed = str(Path(sys.executable).with_name("weed"))
        self._command = ["setpriv", "--pdeathsig", "KILL", weed, "mini", *here, *without, *listens]  # ends with us
        self._bucket = S3Store(
            BUCKET,
            endpoint=self._address,
            access_key_id=_KEYS["AWS_ACCESS_KEY_ID"],
            secret_access_key=_KEYS["AWS_SECRET_ACCESS_KEY"],
            client_options={"allow_http": True, "timeout": timedelta(seconds=5)},
            retry_config={"max_retries": 0},
        )
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """What `docs/operations/evidence.md` says that intake needs."""
        return {**_KEYS, "AWS_REGION": "eu-west-2", "AWS_ENDPOINT_URL": self._address, "AWS_ALLOW_HTTP": "true"}

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self._log.open("ab") as log:
            environment = {**os.environ, **_KEYS}
            self._process = subprocess.Popen(self._command, env=environment, stdout=log, stderr=log)
        until = time.monotonic() + _STARTS_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"SeaweedFS did not start:\n{self._log.read_text()[-2_000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once; what it has acknowledged stays."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
        for port in self._ports:  # killed, it leaves its sockets
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108  # where it makes them
                socket.unlink()

    def _answers(self) -> bool:
        """Return whether it has the bucket, which it makes last of all, and gives what is in it: volumes come later."""
        try:
            for each in obstore.list(self._bucket).collect():
                obstore.get(self._bucket, each["path"]).bytes()
        except BaseError:
            return False
        return True
