"""A broker with a door for clients that it knows: SASL_SSL, with certificates that are made for the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.embedded_kafka import launch
from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.java import Java
from connectors.embedded_kafka.ports import free_port

__all__ = ["PASSWORD", "USER", "guarded_broker", "make_certificates"]

USER, PASSWORD = "tidecast-service", "canary-broker-password"
_WEEK = timedelta(days=7)


def make_certificates(folder: Path) -> tuple[Path, Path]:
    """The authority's certificate, and key and certificate of a broker at 127.0.0.1."""
    authority_key, broker_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("test authority", authority_key, authority_key, "test authority", is_authority=True)
    broker = _certificate("broker", broker_key, authority_key, "test authority", is_authority=False)
    ca, store = folder / "ca.pem", folder / "broker.pem"
    ca.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    key = broker_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    store.write_bytes(key + broker.public_bytes(serialization.Encoding.PEM))
    return ca, store


def _certificate(name: str, key: Any, signer: Any, issuer: str, *, is_authority: bool) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _WEEK)
        .not_valid_after(now + _WEEK)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not is_authority:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        made = made.add_extension(names, critical=False)
    else:
        made = made.add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    return made.sign(signer, hashes.SHA256())


@contextmanager
def guarded_broker(folder: Path, jars: Path, java: Java) -> Iterator[tuple[str, Path]]:
    """The address of the door for those whom it knows, and the authority's certificate."""
    ca, store = make_certificates(folder)
    port, plain = free_port(), launch.server_properties

    def with_door(**settings: Any) -> str:
        text = plain(**settings)
        found = dict(line.split("=", 1) for line in text.splitlines())
        listener = "listener.name.guarded"
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        found |= {
            "listeners": f"{found['listeners']},GUARDED://127.0.0.1:{port}",
            "advertised.listeners": f"{found['advertised.listeners']},GUARDED://127.0.0.1:{port}",
            "listener.security.protocol.map": f"{found['listener.security.protocol.map']},GUARDED:SASL_SSL",
            f"{listener}.ssl.keystore.type": "PEM",
            f"{listener}.ssl.keystore.location": str(store),
            f"{listener}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            f"{listener}.plain.sasl.jaas.config": f'{login} user_{USER}="{PASSWORD}";',
            f"{listener}.scram-sha-512.sasl.jaas.config": scram,
        }
        return "".join(f"{name}={value}\n" for name, value in found.items())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "server_properties", with_door)
        with EmbeddedKafka(folder / "broker", port=0, jars=jars, java=java):
            yield f"127.0.0.1:{port}", ca
