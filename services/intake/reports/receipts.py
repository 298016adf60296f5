"""Receipt codes: kept only as a keyed hash, compared in constant time."""

import hmac
from hashlib import sha256

from shared.ids import ReceiptCode


class Receipts:
    """Hashes and checks receipt codes with the service's own key, so that a stolen table opens nothing."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hash(self, code: ReceiptCode) -> bytes:
        """Return what is stored of `code`."""
        return hmac.digest(self._key, code.encode(), sha256)

    def match(self, code: ReceiptCode, stored: bytes | None) -> bool:
        """Compare in the same time whether or not there is anything to compare with."""
        return hmac.compare_digest(self.hash(code), stored or bytes(sha256().digest_size))
