"""Keys that requests are signed with: an id that everybody may see, and a secret that is shown once."""

import base64
from typing import Final

from streams.access.vault import Vault

__all__ = ["SECRET_LENGTH", "new_key"]

_ID: Final = 20  # characters, 100 bits
SECRET_LENGTH: Final = 40  # characters, 200 bits; what W&B's client takes for a key has 40 too, and no dash


def new_key(vault: Vault, command_id: str) -> tuple[str, str]:
    """Id and secret: the same for a command that comes again, and unknown to whoever has not the vault's secret."""
    access_key = base64.b32encode(vault.made_of("ids of keys", command_id)).decode()[:_ID]
    secret = base64.b32encode(vault.made_of("new keys", command_id)).decode()[:SECRET_LENGTH].lower()
    return access_key, secret
