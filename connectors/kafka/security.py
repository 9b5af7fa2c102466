"""How brokers know our clients: TLS and SASL, for librdkafka's clients and for aiokafka's, from one place.

A process says once, by `secure`, how the brokers at an address are talked to; whatever connects there asks `options`.
Addresses that nothing was said of, the embedded broker's among them, are talked to in plain.
"""

import ssl
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Security", "options", "secure", "security_of"]


@dataclass(frozen=True, slots=True)
class Security:
    """In Kafka's own words; files are PEM. Without a CA the system's are trusted; brokers must have the names asked."""

    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""
    certificate: str = ""
    key: str = ""
    key_password: str = field(default="", repr=False)

    @property
    def has_tls(self) -> bool:
        """Whether what goes over the wire is encrypted."""
        return self.protocol.endswith("SSL")

    @property
    def has_sasl(self) -> bool:
        """Whether the client says who it is by a name."""
        return self.protocol.startswith("SASL")

    def librdkafka(self) -> dict[str, str]:
        """As librdkafka's clients take it."""
        if self.protocol == "PLAINTEXT":
            return {}
        given = {"security.protocol": self.protocol}
        if self.has_sasl:
            given |= {
                "sasl.mechanism": self.mechanism,
                "sasl.username": self.username,
                "sasl.password": self.password,
            }
        if self.has_tls:
            given |= {
                "ssl.ca.location": self.ca,
                "ssl.certificate.location": self.certificate,
                "ssl.key.location": self.key,
                "ssl.key.password": self.key_password,
            }
        return {name: value for name, value in given.items() if value}

    def ssl_context(self) -> ssl.SSLContext | None:
        """The same for clients of Python's own TLS; None without it. OSError where a file cannot be read."""
        if not self.has_tls:
            return None
        context = ssl.create_default_context(cafile=self.ca or None)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key or None, self.key_password or None)
        return context


_KNOWN: Final[dict[str, Security]] = {}
_PLAIN: Final = Security()


def secure(bootstrap: str, security: Security) -> None:
    """From now on clients of this process talk so to the brokers at this address."""
    _KNOWN[bootstrap] = security


def security_of(bootstrap: str) -> Security:
    """How clients of this process talk to the brokers at this address."""
    return _KNOWN.get(bootstrap, _PLAIN)


def options(bootstrap: str, **more: Any) -> dict[str, Any]:
    """What each of librdkafka's clients is made with: where the brokers are, and how they are talked to."""
    return {"bootstrap.servers": bootstrap, **security_of(bootstrap).librdkafka(), **more}
