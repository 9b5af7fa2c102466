"""Why an embedded broker cannot be started; every text says it in words for the user, with the remedy."""

__all__ = ["BrokerStartError", "DataRefusedError", "HomeInUseError", "PortInUseError"]


class BrokerStartError(RuntimeError):
    """The embedded broker cannot be started, or ended while starting."""


class HomeInUseError(BrokerStartError):
    """Another running process has a broker in this folder."""


class DataRefusedError(BrokerStartError):
    """The data in this folder is not this broker's to open; nothing was changed."""


class PortInUseError(BrokerStartError):
    """The broker cannot listen at the address that was asked for."""
