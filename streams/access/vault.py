"""The installation's secret, and what is made of it: the key of tokens, of users' secrets, of the workers' hop."""

import base64
import hashlib
import hmac
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connectors.objects.layout import INSTALLATION
from connectors.objects.store import ObjectStore
from streams.settings import Settings

__all__ = ["AccessKeyError", "Vault", "hop_secret", "open_vault"]

_FILE: Final = "access.key"
_SEAL: Final = INSTALLATION.key("access-key")
_HOP: Final = INSTALLATION.key("hop-secret")
_BYTES: Final = 32


class AccessKeyError(RuntimeError):
    """The installation's secret cannot be used; the text names the cause and the remedy."""


class Vault:
    """Keys of several purposes, none of which tells anything of another or of the secret that all come from."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.token_key = self.derived("tokens")
        self.hop_key = self.derived("hop")
        self._fernet = Fernet(base64.urlsafe_b64encode(self.derived("secrets of keys")))

    def derived(self, purpose: str) -> bytes:
        """The key for a purpose."""
        return HKDF(SHA256(), _BYTES, None, f"tidecast {purpose}".encode()).derive(self._secret)

    def made_of(self, purpose: str, text: str) -> bytes:
        """What a text stands for: always the same, and nobody can tell without the secret."""
        return hmac.digest(self.derived(purpose), text.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def encrypted(self, text: str) -> str:
        """The text, which `decrypted` gives back."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypted(self, text: str) -> str | None:
        """None where it was encrypted with another secret, or changed."""
        try:
            return self._fernet.decrypt(text).decode()
        except (InvalidToken, ValueError):
            return None


def open_vault(settings: Settings, store: ObjectStore) -> Vault:
    """The vault of TIDECAST_ACCESS_KEY, else of a file of the home that is made at the first start.

    AccessKeyError where the installation was begun with another secret: tokens and keys would be void at this worker,
    and valid at others.
    """
    if settings.access_key is not None:
        given, source = settings.access_key.get_secret_value().encode(), "TIDECAST_ACCESS_KEY"
    else:
        given, source = _from_file(settings.home / _FILE), str(settings.home / _FILE)
    vault = Vault(given)
    seal = vault.derived("seal").hex().encode()
    if _kept(store, _SEAL, seal) != seal:
        raise AccessKeyError(
            f"{source} is not the secret with which this installation's keys and tokens were made: set "
            "TIDECAST_ACCESS_KEY to that one at every state worker; to begin with another one, remove "
            f"{_SEAL} from the object store, and make all keys anew"
        )
    return vault


def hop_secret(settings: Settings, store: ObjectStore) -> bytes:
    """By which state workers know one another: as the settings say, else made once for all who share the store."""
    if settings.cluster_secret is not None:
        return Vault(settings.cluster_secret.get_secret_value().encode()).hop_key
    if settings.access_key is not None:
        return Vault(settings.access_key.get_secret_value().encode()).hop_key
    return Vault(_kept(store, _HOP, secrets.token_hex(_BYTES).encode())).hop_key


def _kept(store: ObjectStore, key: str, made: bytes) -> bytes:
    """What lies there, or from now on this."""
    return made if store.create_bytes(key, made) else store.read_bytes(key)


def _from_file(path: Path) -> bytes:
    """What the file holds; it is made, for its user alone, where there is none.

    AccessKeyError where others can read it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = path.with_suffix(f".{secrets.token_hex(4)}")
    with suppress(FileExistsError):
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(_BYTES), "ascii")
        try:
            path.hardlink_to(made)  # all of it or nothing, and never over another one
        finally:
            made.unlink()
    if path.stat().st_mode & 0o077:
        raise AccessKeyError(
            f"{path} can be read by others, who could make tokens: chmod 600 {path}, or make a new one"
        )
    return path.read_bytes()
