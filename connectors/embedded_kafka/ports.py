"""Free ports of this machine for servers that clients find again after a restart."""

import random
import socket
from typing import Final

from connectors.embedded_kafka.errors import BrokerStartError, PortInUseError

__all__ = ["check_free", "free_port", "kept_or_free"]

# Below the ranges from which systems take the ports of outgoing connections (32768 and up): a client that tries again
# and again to reach a stopped server at such a port would in time connect to itself, and hold the port.
_RANGE: Final = range(20000, 32000)
_TRIES: Final = 100


def free_port() -> int:
    """A random port of the loopback address at which nothing listens now; BrokerStartError where none is found."""
    for port in random.sample(_RANGE, k=_TRIES):
        if _is_free("127.0.0.1", port):
            return port
    raise BrokerStartError(f"no free port found between {_RANGE.start} and {_RANGE.stop}: stop servers you do not need")


def kept_or_free(port: int) -> int:
    """The same port where it is one and free on the loopback address, else another that is."""
    return port if port and _is_free("127.0.0.1", port) else free_port()


def check_free(host: str, port: int, *, setting: str) -> None:
    """PortInUseError, naming `setting` as the remedy, where a server cannot listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As Java does: a port whose old connections are only being wound up is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUseError(
                f"port {port} of {host} cannot be listened at ({error.strerror}): stop what uses it, or set {setting} "
                "to another port"
            ) from error


def _is_free(host: str, port: int) -> bool:
    try:
        check_free(host, port, setting="")
    except PortInUseError:
        return False
    return True
