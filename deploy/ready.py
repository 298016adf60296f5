"""Health check of a container: `python ready.py /report` ends with 0 when that service can do all its work."""  # noqa: INP001 - a script of the image, not a package

import http.client
import sys

PATIENCE_SECONDS = 5


def ready(prefix: str) -> bool:
    """Ask the service on this machine whether it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=PATIENCE_SECONDS)
    connection.request("GET", f"{prefix}/health/ready")
    return connection.getresponse().status == http.client.OK


if __name__ == "__main__":
    sys.exit(not ready(sys.argv[1]))
