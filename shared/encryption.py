"""AES-256-GCM (NIST SP 800-38D) for data that only the holder of a secret may read."""

import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class DecryptionFailed(Exception):
    """The bytes were encrypted with another secret, or have been changed."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, and the name and key derived from it: the name finds a row, the key decrypts it."""

    name: bytes
    key: bytes = field(repr=False)

    @classmethod
    def derived(cls, secret: bytes, *, purpose: str, salt: bytes | None = None) -> "Secret":
        """Derive both from `secret` by HKDF-SHA256 (RFC 5869); neither reveals the other."""
        material = HKDF(SHA256(), length=64, salt=salt, info=f"signpost:intake:{purpose}".encode()).derive(secret)
        return cls(name=material[:32], key=material[32:])

    def encrypt(self, plain: bytes) -> bytes:
        """Encrypt `plain`; the result is bound to this secret's name."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.key).encrypt(nonce, plain, self.name)

    def decrypt(self, encrypted: bytes) -> bytes:
        """Decrypt.

        Raises:
            DecryptionFailed: the bytes were encrypted with another secret, or have been changed.
        """
        try:
            return AESGCM(self.key).decrypt(encrypted[:_NONCE], encrypted[_NONCE:], self.name)
        except InvalidTag:
            raise DecryptionFailed from None
