"""How the brokers that the settings name are talked to: said once by each process, before anything connects."""

from connectors.kafka.security import Security, secure
from streams.settings import Settings

__all__ = ["secure_brokers"]


def secure_brokers(settings: Settings) -> None:
    """Let all clients of this process that go to TIDECAST_KAFKA_BOOTSTRAP talk as the settings say."""
    if settings.kafka_bootstrap is None:
        return
    password, key_password = settings.kafka_sasl_password, settings.kafka_ssl_key_password
    security = Security(
        protocol=settings.kafka_security_protocol,
        mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_sasl_username or "",
        password="" if password is None else password.get_secret_value(),
        ca=settings.kafka_ssl_ca_location or "",
        certificate=settings.kafka_ssl_certificate_location or "",
        key=settings.kafka_ssl_key_location or "",
        key_password="" if key_password is None else key_password.get_secret_value(),
    )
    secure(settings.kafka_bootstrap, security)
