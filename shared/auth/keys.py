"""Ed25519 key files."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def new_key_pair() -> tuple[bytes, bytes]:
    """Return a fresh private and public key as PEM."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def ensure_key_files(folder: Path) -> tuple[Path, Path]:
    """Return the paths of the private and the public key in `folder`, made on first use; mode 0600."""
    private, public = folder / "signing-key.pem", folder / "verify-key.pem"
    if not (private.exists() and public.exists()):
        private_pem, public_pem = new_key_pair()
        _write_privately(private, private_pem)
        _write_privately(public, public_pem)
    return private, public


def _write_privately(path: Path, content: bytes) -> None:
    scratch = path.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
    scratch.rename(path)
