"""Ed25519 key files."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


def new_key_pair() -> tuple[bytes, bytes]:
    """Return a fresh private and public key as PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, _public_half(private)


def ensure_key_files(folder: Path) -> tuple[Path, Path]:
    """Return the paths of the private and the public key in `folder`, made on first use; mode 0600."""
    private, public = folder / "signing-key.pem", folder / "verify-key.pem"
    ensure_key_pair(private, public)
    return private, public


def ensure_key_pair(private: Path, public: Path) -> None:
    """Make the key at `private` unless it is there, and its public half at `public` unless that is; mode 0600."""
    if not private.exists():
        public.unlink(missing_ok=True)  # of a key that is gone
        _write_privately(private, new_key_pair()[0])
    if not public.exists():
        _write_privately(public, _public_half(private.read_bytes()))


def _public_half(private: bytes) -> bytes:
    key = load_pem_private_key(private, password=None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write_privately(path: Path, content: bytes) -> None:
    scratch = path.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
    scratch.rename(path)
