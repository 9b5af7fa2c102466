"""How brokers know our clients: one value, for both kinds of client."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.kafka.security import Security, options, secure
from streams.settings import Settings

SECRET = "canary-broker-password"
SASL = Security("SASL_SSL", "SCRAM-SHA-512", "svc", SECRET)


def test_what_librdkafka_is_told() -> None:
    """Nothing of what is not asked for."""
    assert Security().librdkafka() == {}
    assert Security("SSL", ca="/ca.pem").librdkafka() == {"security.protocol": "SSL", "ssl.ca.location": "/ca.pem"}
    assert SASL.librdkafka() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "svc",
        "sasl.password": SECRET,
    }


def test_it_is_said_of_an_address() -> None:
    """Of others nothing is known: the embedded broker is talked to in plain."""
    secure("kafka.example:9093", SASL)

    assert options("kafka.example:9093")["sasl.username"] == "svc"
    assert options("127.0.0.1:9092") == {"bootstrap.servers": "127.0.0.1:9092"}


def test_nothing_shows_the_password() -> None:
    """Neither the value nor the settings."""
    settings = Settings(
        kafka_bootstrap="a:1",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_username="svc",
        kafka_sasl_password=SECRET,  # type: ignore[arg-type]
    )

    assert SECRET not in repr(SASL) + repr(settings)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kafka_security_protocol": "sasl_ssl"}, "KAFKA_SASL_USERNAME is missing: SASL_SSL needs it"),
        ({"kafka_sasl_password": SECRET}, "KAFKA_SASL_PASSWORD is of no use with PLAINTEXT: use SASL_SSL"),
        ({"kafka_ssl_ca_location": __file__}, "KAFKA_SSL_CA_LOCATION is of no use with PLAINTEXT"),
        (
            {"kafka_security_protocol": "SSL", "kafka_ssl_ca_location": "/none.pem"},
            "KAFKA_SSL_CA_LOCATION: there is no file /none.pem",
        ),
        ({"kafka_bootstrap": None, "kafka_security_protocol": "SSL"}, "KAFKA_BOOTSTRAP is not set"),
        ({"kafka_security_protocol": "TLS"}, "kafka_security_protocol"),
    ],
    ids=["no-user", "plain-password", "plain-ca", "no-file", "embedded", "unknown"],
)
def test_what_would_protect_nothing_is_refused(tmp_path: Path, given: dict[str, str | None], words: str) -> None:
    """With words that name the setting, and without the password."""
    with pytest.raises(ValidationError, match=words) as refused:
        Settings(**{"home": tmp_path, "kafka_bootstrap": "a:1", **given})  # type: ignore[arg-type]

    assert SECRET not in str(refused.value)
