"""Files of other hosts, fetched into data sets: only of hosts that the installation allows, and within bounds.

A name may lead anywhere, also into the network of the service. So its addresses are looked up once, those that are not
public are left out unless they are allowed themselves, and the connection goes to what was looked up.
"""

import asyncio
import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

__all__ = ["AllowedHosts", "ForbiddenAddressError", "RemoteFileError", "fetch", "resolver"]

_BLOCK: Final = 256 * 1024
_REDIRECTS: Final = 5  # all to the same host
_MOVED: Final = (301, 302, 303, 307, 308)
_PORTS: Final = {"http": 80, "https": 443}
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LOCAL_NAT64: Final = ipaddress.ip_network("64:ff9b:1::/48")  # RFC 8215
_WRAPS_AT_THE_END: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))  # RFC 6052, RFC 4291


class ForbiddenAddressError(ValueError):
    """The address is none of an allowed host."""


class RemoteFileError(RuntimeError):
    """The host did not give the file; the text says why."""


class AllowedHosts:
    """Hosts that files may come from: names, names with a port, addresses, networks such as 10.1.0.0/16.

    A name stands for its public addresses, `localhost` for the machine itself; others of its addresses must be allowed
    themselves.
    """

    def __init__(self, given: str) -> None:
        """`given` is the list, parted by commas."""
        self._names: set[str] = set()
        self._networks: list[Any] = []
        for entry in filter(None, (part.strip().lower() for part in given.split(","))):
            try:
                self._networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                self._names.add(entry)
                host = entry.rpartition(":")[0] if entry.rpartition(":")[2].isdecimal() else entry
                with suppress(ValueError):
                    self._networks.append(ipaddress.ip_network(host.strip("[]")))

    def __bool__(self) -> bool:
        return bool(self._names or self._networks)

    def check(self, url: str) -> None:
        """ForbiddenAddressError where the address is no plain http one, or not of an allowed host."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise ForbiddenAddressError(f"cannot be read as an address: {error}") from None
        if parts.scheme not in _PORTS or not host:
            raise ForbiddenAddressError("expected an address such as https://host/file.csv")
        if parts.username or parts.password:
            raise ForbiddenAddressError("must not hold a name or a password")
        names = {host, f"{host}:{port or _PORTS[parts.scheme]}"}
        if not names & self._names and not self._allows(host):
            raise ForbiddenAddressError(f"the host {host[:80]} is not allowed")

    def address(self, host: str, found: str) -> bool:
        """Whether a name that is allowed may be reached at this address."""
        address = ipaddress.ip_address(found.partition("%")[0])
        return (
            _is_public(address)
            or any(address in network for network in self._networks)
            or (host.lower() == "localhost" and address.is_loopback)
        )

    def _allows(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def _is_public(address: _Address) -> bool:
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    inner = _wrapped(address)
    return not address.is_site_local and address not in _LOCAL_NAT64 and (inner is None or _is_public(inner))


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The address that one of IPv6 stands for, by which a gateway, or the machine, reaches it; else None."""
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and any(address in network for network in _WRAPS_AT_THE_END):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return inner


class _Resolver(AbstractResolver):
    """Looks names up, and leaves out addresses that must not be reached."""

    def __init__(self, hosts: AllowedHosts) -> None:
        self._hosts = hosts
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [one for one in found if self._hosts.address(host, one["host"])]
        if not allowed:
            raise OSError(f"{host} leads to addresses that are not public: allow them by themselves")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def resolver(hosts: AllowedHosts) -> AbstractResolver:
    """Finds the addresses of names at which they may be reached."""
    return _Resolver(hosts)


async def fetch(url: str, target: Path, hosts: AllowedHosts, *, most_bytes: int, within_s: float) -> int:
    """Write the file at the address to `target`; how many bytes it has, at most one more than `most_bytes`.

    ForbiddenAddressError, RemoteFileError. Redirects are followed within the same host alone.
    """
    hosts.check(url)
    connector = aiohttp.TCPConnector(resolver=_Resolver(hosts), use_dns_cache=False)
    timeout = aiohttp.ClientTimeout(total=within_s)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
            return await _followed(session, url, target, hosts, most_bytes)
    except TimeoutError:
        raise RemoteFileError(f"the file did not come within {within_s:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if isinstance(error, ForbiddenAddressError):
            raise
        raise RemoteFileError(f"the host cannot be reached: {_short(error)}") from None


async def _followed(
    session: aiohttp.ClientSession, url: str, target: Path, hosts: AllowedHosts, most_bytes: int
) -> int:
    host = urlsplit(url).hostname
    for _ in range(_REDIRECTS):
        async with session.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as answer:
            if answer.status in _MOVED:
                url = urljoin(url, answer.headers.get("Location", ""))
                if urlsplit(url).hostname != host:
                    raise ForbiddenAddressError("leads to another host: name that one, if it is allowed")
                hosts.check(url)
                continue
            if answer.status != 200:
                raise RemoteFileError(f"the host answers {answer.status}")
            return await _written(answer.content.iter_chunked(_BLOCK), target, most_bytes)
    raise RemoteFileError(f"more than {_REDIRECTS} redirects")


async def _written(blocks: Any, target: Path, most_bytes: int) -> int:
    size = 0
    with await asyncio.to_thread(target.open, "wb") as opened:
        file: IO[bytes] = opened
        async for block in blocks:
            size += len(block)
            await asyncio.to_thread(file.write, block)
            if size > most_bytes:
                break
    return size


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
