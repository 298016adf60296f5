"""Keys that replace one another, and AES-256-GCM (NIST SP 800-38D) for data that only a secret's holder may read."""

import hmac
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class DecryptionFailed(Exception):
    """The bytes were encrypted with another secret, or have been changed."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys for one purpose: the first one makes, and what any of them made is accepted (decision 0046)."""

    _keys: tuple[bytes, ...] = field(repr=False)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._keys)

    @property
    def first(self) -> bytes:
        """The key that makes everything new."""
        return self._keys[0]

    def sign(self, message: bytes) -> bytes:
        """Return HMAC-SHA256 (RFC 2104) of `message`, with the first key."""
        return hmac.digest(self.first, message, sha256)

    def is_signed(self, message: bytes, signature: bytes) -> bool:
        """Return whether `sign` gave `signature` for `message` under any key; no key takes longer than another."""
        compared = [hmac.compare_digest(hmac.digest(key, message, sha256), signature) for key in self._keys]
        return any(compared)


def bytes_of_hex(text: str) -> bytes:
    """Return what `bytes.hex` wrote as `text`; empty, which no signature is, if that cannot have been."""
    try:
        read = bytes.fromhex(text)
    except ValueError:
        return b""
    return read if read.hex() == text else b""


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

    def encrypt(self, plain: bytes | bytearray, *, place: bytes = b"") -> bytes:
        """Encrypt `plain`; the result is bound to this secret's name, and to its place among others."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.key).encrypt(nonce, plain, self.name + place)

    def decrypt(self, encrypted: bytes, *, place: bytes = b"") -> bytes:
        """Decrypt what was encrypted for `place`.

        Raises:
            DecryptionFailed: the bytes were encrypted with another secret or for another place, or have been changed.
        """
        try:
            return AESGCM(self.key).decrypt(encrypted[:_NONCE], encrypted[_NONCE:], self.name + place)
        except (InvalidTag, ValueError):  # ValueError: too short to have a nonce
            raise DecryptionFailed from None


def decrypt_with_any(candidates: Iterable[Secret], encrypted: bytes) -> bytes:
    """Decrypt with the one of `candidates` that encrypted.

    Raises:
        DecryptionFailed: none of them did, or the bytes have been changed.
    """
    for secret in candidates:
        with suppress(DecryptionFailed):
            return secret.decrypt(encrypted)
    raise DecryptionFailed
