"""Errors that say in words why the service cannot start or go on. Importing this loads the service's own parts."""

from connectors.embedded_kafka.broker import BrokerStartError
from connectors.embedded_kafka.jars import JarsError
from connectors.embedded_kafka.java import JavaMissingError
from connectors.kafka.admin import BrokerUnreachableError, TopicMismatchError, TopicsLostError
from connectors.registry_error import RegistryError
from connectors.user_code.modes import NoModeError
from streams.access.vault import AccessKeyError
from streams.workers.stack import StackError

__all__ = ["START_ERRORS"]

START_ERRORS = (
    AccessKeyError,
    BrokerStartError,
    BrokerUnreachableError,
    JarsError,
    JavaMissingError,
    NoModeError,
    RegistryError,
    StackError,
    TopicMismatchError,
    TopicsLostError,
)
