"""Errors that say in words why the service cannot start or go on. Importing this loads the service's own parts."""

from connectors.embedded_kafka import BrokerStartError
from connectors.java import JavaMissingError
from connectors.kafka_admin import BrokerUnreachableError, TopicMismatchError, TopicsLostError
from connectors.kafka_jars import JarsError
from connectors.schema_registry import RegistryError
from streams.stack import StackError

__all__ = ["START_ERRORS"]

START_ERRORS = (
    BrokerStartError,
    BrokerUnreachableError,
    JarsError,
    JavaMissingError,
    RegistryError,
    StackError,
    TopicMismatchError,
    TopicsLostError,
)
