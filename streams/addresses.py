"""Under which names a state worker is asked, and who can reach the address that it listens on."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from streams.settings import Settings

__all__ = ["is_address", "is_loopback", "listens_everywhere", "named_hosts", "own_hosts"]


def is_address(host: str) -> bool:
    """Whether it is an address and not a name; of IPv6 with or without brackets."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    return host == "localhost" or (is_address(host) and ip_address(host.strip("[]")).is_loopback)


def listens_everywhere(host: str) -> bool:
    """Whether it stands for all addresses of the machine, such as 0.0.0.0."""
    return host == "" or (is_address(host) and ip_address(host.strip("[]")).is_unspecified)


def named_hosts(settings: Settings) -> frozenset[str]:
    """The hosts that the settings allow, in small letters."""
    return frozenset(name.strip().lower() for name in settings.allowed_hosts.split(",") if name.strip())


def own_hosts(settings: Settings) -> frozenset[str]:
    """The hosts that stand for this worker without being named: this machine, where it listens, where others ask it."""
    own = {"127.0.0.1", "localhost", "[::1]"}
    if not listens_everywhere(settings.http_host):
        own.add(_as_in_header(settings.http_host))
    if settings.advertised_url and (host := urlsplit(settings.advertised_url).hostname):
        own.add(_as_in_header(host))
    return frozenset(own)


def _as_in_header(host: str) -> str:
    host = host.strip("[]").lower()
    return f"[{host}]" if ":" in host else host
