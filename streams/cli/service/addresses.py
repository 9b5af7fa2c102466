"""How a service's address is written."""

from urllib.parse import urlsplit

from streams.cli.console.failure import CommandError

__all__ = ["host_of"]


def host_of(url: str) -> str:
    """The host that a service's address names."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        wrong = parts.scheme not in ("http", "https") or parts.query or parts.fragment or parts.port == 0
    except ValueError:  # a port that is no number, or an address in brackets that is none
        host, wrong = None, True
    if wrong or not host:
        raise CommandError(f"--url {url}: write it as http://host:port")
    return host
