"""Addresses that hold secrets, as they may be shown: in logs, errors and lists of settings."""

from pydantic import SecretStr

__all__ = ["SecretUrl", "shown_url"]

_HIDDEN = "***"


def shown_url(url: str) -> str:
    """The address without its password, without a user that stands alone, as tokens do, and without its query."""
    scheme, mark, rest = url.rpartition("://")  # the last one: file systems can be chained
    given, at, place = rest.rpartition("@")  # a password that was not encoded may hold anything
    user, colon, _ = given.partition(":")
    place, question, _ = place.partition("?")
    if at:
        at = f"{user}:{_HIDDEN}@" if colon else f"{_HIDDEN}@"
    return f"{scheme}{mark}{at}{place}{question and f'?{_HIDDEN}'}"


class SecretUrl(SecretStr):
    """An address that may hold a password: printed it is `shown_url` of it, used it is `get_secret_value`."""

    def _display(self) -> str:
        return shown_url(self._secret_value)
