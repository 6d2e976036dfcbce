"""Exchange keys sealed for keeping: AES-256-GCM envelopes, which fail closed.

Each secret has a data key of its own; the data key is wrapped by a key-encryption key (KEK) that is never in the
database: raw keys from a file (0600) or from the environment, or a passphrase stretched by scrypt. Rotating the KEK
wraps the data keys anew and leaves the secrets as they are. What is sealed is bound to its row: a text copied to
another row does not open.

Nonces and data keys come from the operating system: this is the one place below the command line that asks it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mastertrading.domain.errors import ConfigError, SafetyBlocked

KEY_BYTES, NONCE_BYTES, SALT_BYTES = 32, 12, 16
SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
FORMAT = 1
SHORTEST_PASSPHRASE = 12


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """What a venue gives for an account. Its text never shows a secret."""

    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    passphrase: str = field(default="", repr=False)

    def __str__(self) -> str:
        """The last letters of the public key."""
        return f"ApiKeys(…{self.hint})"

    def __reduce__(self) -> str | tuple[object, ...]:
        """Keys are never pickled."""
        raise TypeError("keys are not written anywhere but sealed")

    @property
    def hint(self) -> str:
        """The last four letters of the public key; nothing of a short one."""
        return self.api_key[-4:] if len(self.api_key) >= 16 else ""


@dataclass(frozen=True, slots=True)
class Kek:
    """A key-encryption key by its name: raw bytes, or a passphrase that is stretched with each record's salt."""

    name: str
    raw: bytes = field(default=b"", repr=False)
    passphrase: str = field(default="", repr=False)

    def key(self, salt: bytes) -> bytes:
        """32 bytes to wrap with."""
        if self.raw:
            return self.raw
        return hashlib.scrypt(self.passphrase.encode(), salt=salt, dklen=KEY_BYTES, **SCRYPT)


class Keyring:
    """KEKs by name. The first one seals; all of them open, so that a rotation can go on while old rows exist."""

    def __init__(self, *keks: Kek) -> None:
        if not keks:
            raise ConfigError("there is no key to seal exchange keys with", hint="mastertrading keys new-kek")
        self.keks: Mapping[str, Kek] = {one.name: one for one in keks}
        self.current = keks[0]

    def __repr__(self) -> str:
        """Names only."""
        return f"Keyring({', '.join(self.keks)})"


def keyring_from_text(text: str) -> Keyring:
    """Read ``k2:BASE64,k1:BASE64`` (newest first), as it stands in a file or in the environment.

    Raises
    ------
    ConfigError
        If it is not that; the text is not shown.
    """
    keks: list[Kek] = []
    for part in text.replace("\n", ",").split(","):
        name, _, encoded = part.strip().partition(":")
        if not part.strip():
            continue
        try:
            raw = base64.b64decode(encoded, validate=True)
        except ValueError:
            raw = b""
        if not name or len(name) > 16 or len(raw) != KEY_BYTES:
            raise ConfigError(
                f"the {len(keks) + 1}. key-encryption key cannot be read",
                why=f"it is a name, a colon and {KEY_BYTES} bytes in base64",
                hint="mastertrading keys new-kek",
            )
        keks.append(Kek(name, raw))
    return Keyring(*keks)


def keyring_from_file(path: Path) -> Keyring:
    """Read a key file that only its owner can read.

    Raises
    ------
    SafetyBlocked
        If others can read it.
    ConfigError
        If it is not there or not a key file.
    """
    try:
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SafetyBlocked(
                "the key file can be read by others", where=str(path), hint=f"chmod 600 {path.name}"
            )
        return keyring_from_text(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("the key file cannot be read", why=type(error).__name__, where=str(path)) from None


def keyring_from_passphrase(passphrase: str) -> Keyring:
    """A keyring of one passphrase. Raises ``ConfigError`` for a short one."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise ConfigError(f"the passphrase is shorter than {SHORTEST_PASSPHRASE} letters")
    return Keyring(Kek("passphrase", passphrase=passphrase))


def new_kek(name: str) -> str:
    """A fresh key-encryption key, as a line of a key file."""
    return f"{name}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def seal(keyring: Keyring, keys: ApiKeys, context: str) -> str:
    """Seal keys for the row that ``context`` names."""
    data_key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
    plain = json.dumps([keys.api_key, keys.secret, keys.passphrase]).encode()
    body = _aes(data_key).encrypt(nonce, plain, context.encode())
    return _envelope(keyring.current, data_key, context, nonce + body)


def unseal(keyring: Keyring, sealed: str, context: str) -> ApiKeys:
    """Open what was sealed for that row.

    Raises
    ------
    SafetyBlocked
        If no key of the ring opens it, or it was changed or moved to another row. Nothing is ever returned half.
    """
    data_key, body = _opened(keyring, sealed, context)
    plain = _decrypt(data_key, body, context)
    return ApiKeys(*json.loads(plain))


def rewrap(keyring: Keyring, sealed: str, context: str) -> str:
    """The same secret under the keyring's current KEK. Raises ``SafetyBlocked`` as ``unseal`` does."""
    data_key, body = _opened(keyring, sealed, context)
    return _envelope(keyring.current, data_key, context, body)


def kek_name(sealed: str) -> str:
    """Which KEK sealed it."""
    return str(json.loads(sealed)["kek"])


def _envelope(kek: Kek, data_key: bytes, context: str, body: bytes) -> str:
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    wrapped = _aes(kek.key(salt)).encrypt(nonce, data_key, _bound(kek.name, context))
    parts = {"salt": salt, "wrapped": nonce + wrapped, "body": body}
    texts = {name: base64.b64encode(value).decode() for name, value in parts.items()}
    return json.dumps({"format": FORMAT, "kek": kek.name, **texts})


def _opened(keyring: Keyring, sealed: str, context: str) -> tuple[bytes, bytes]:
    try:
        envelope = json.loads(sealed)
        name = str(envelope["kek"])
        salt, wrapped, body = (base64.b64decode(envelope[part]) for part in ("salt", "wrapped", "body"))
    except (ValueError, KeyError, TypeError):
        raise SafetyBlocked("sealed exchange keys are damaged", where=context) from None
    kek = keyring.keks.get(name)
    if kek is None or envelope.get("format") != FORMAT:
        raise SafetyBlocked(
            "exchange keys cannot be opened",
            why=f"they are sealed under {name!r}, and the keyring has {', '.join(keyring.keks)}",
            where=context,
        )
    return _decrypt(kek.key(salt), wrapped, context, _bound(name, context)), body


def _decrypt(key: bytes, text: bytes, context: str, bound: bytes | None = None) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        plain: bytes = _aes(key).decrypt(
            text[:NONCE_BYTES], text[NONCE_BYTES:], context.encode() if bound is None else bound
        )
    except (InvalidTag, ValueError):
        raise SafetyBlocked(
            "exchange keys cannot be opened",
            why="the key or passphrase is another one, or the row was changed",
            where=context,
        ) from None
    return plain


def _bound(name: str, context: str) -> bytes:
    return f"{name}\x1f{context}".encode()


def _aes(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
