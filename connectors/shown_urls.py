"""Addresses that hold secrets, as they may be shown: in logs, errors and lists of settings."""

__all__ = ["shown_url"]

_HIDDEN = "***"


def shown_url(url: str) -> str:
    """The address without its password, without a user that stands alone, as tokens do, and without its query."""
    scheme, mark, rest = url.partition(
        "://"
    )  # the first one: behind it may be a password, and other file systems of a chain
    given, at, place = rest.rpartition("@")  # a password that was not encoded may hold anything
    user, colon, _ = given.partition(":")
    place, question, _ = place.partition("?")
    if at:
        at = f"{user}:{_HIDDEN}@" if colon else f"{_HIDDEN}@"
    return f"{scheme}{mark}{at}{place}{question and f'?{_HIDDEN}'}"
