"""The settings that the embedded broker runs with: server, logging, Java."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connectors.embedded_kafka.java import Java

__all__ = [
    "HOME_OPTION",
    "LOG4J2_PROPERTIES",
    "MAX_MESSAGE_BYTES",
    "NODE_ID",
    "ForwardedPort",
    "Sizes",
    "java_options",
    "server_properties",
]

NODE_ID: Final = 1
_MIB: Final = 1024 * 1024
MAX_MESSAGE_BYTES: Final = 64 * _MIB  # at least: a command carries its series' whole history
_AROUND_BYTES: Final = _MIB  # a request is its largest record and what is around it
_BUFFERS: Final = 16  # of the size of the largest record, see `java_options`
_HEAPS_PER_RECORD: Final = 5  # a larger record is in memory several times, as it came, unpacked and as it is sent
HOME_OPTION: Final = "-Dtidecast.home="  # read by nobody in Java: tells whose broker a process is by its command line
_JAVA_WITH_NATIVE_WARNINGS: Final = 24  # from here on Java warns of what Kafka's compression libraries do

_FIXED: Final[dict[str, str | int]] = {
    "process.roles": "broker,controller",
    "node.id": NODE_ID,
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    # One node: nothing can have a second copy.
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    # 50 partitions by default, each with files and memory of its own, for a handful of groups.
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.num.partitions": 1,
    # A committed offset must survive a machine that was switched off over the holidays (default: a week).
    "offsets.retention.minutes": 365 * 24 * 60,
    # A topic is created with its declared settings or not at all; a typing error must not make one.
    "auto.create.topics.enable": "false",
    # 3 s would be waited for further members at each first join; on one machine they come together anyway.
    "group.initial.rebalance.delay.ms": 0,
    # Members may ask for 6 s to have a dead worker replaced soon; tests go lower.
    "group.min.session.timeout.ms": 1000,
    # After a kill -9 the controller holds the old session against the new broker until it expires: 4 s instead of 11 s.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    # Threads and buffers for one small machine; the defaults are for a server with many disks and clients.
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 4,
    "log.cleaner.threads": 1,
    "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
}

# Of bounded size: 5 MB, and the two before it.
LOG4J2_PROPERTIES: Final = """\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = logs/server.log
appender.file.filePattern = logs/server-%i.log
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = [%d] %p %m (%c)%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 5MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""


@dataclass(frozen=True, slots=True)
class ForwardedPort:
    """A further port of the broker, behind a proxy: Kafka's clients connect to the address that a broker names.

    Who asks at `port` is told to come to `proxy_port` of the same host.
    """

    port: int
    proxy_port: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a record may be, and the heap of a broker for records of up to 64 MiB; larger ones ask for more."""

    max_message_bytes: int = MAX_MESSAGE_BYTES
    heap_mb: int = 256

    @property
    def larger_mb(self) -> int:
        """How much larger than usual a record may be."""
        return max(0, self.max_message_bytes - MAX_MESSAGE_BYTES) // _MIB


def server_properties(
    *,
    host: str,
    port: int,
    controller_port: int,
    log_dir: str,
    sizes: Sizes,
    forwarded: Sequence[ForwardedPort] = (),
) -> str:
    """The text of server.properties; `log_dir` is relative to the broker's working folder.

    Relative, since a comma in a path would end it there, and Kafka reads the file as Latin-1.
    """
    doors = [("BROKER", port, port)]
    doors += [(f"FORWARDED{number}", it.port, it.proxy_port) for number, it in enumerate(forwarded, 1)]
    listeners = [f"{name}://{host}:{at}" for name, at, _ in doors]
    settings = (
        _FIXED
        | _record_settings(sizes)
        | {
            "listeners": ",".join([*listeners, f"CONTROLLER://127.0.0.1:{controller_port}"]),
            "advertised.listeners": ",".join(f"{name}://{host}:{told}" for name, _, told in doors),
            "listener.security.protocol.map": ",".join(
                [*(f"{name}:PLAINTEXT" for name, *_ in doors), "CONTROLLER:PLAINTEXT"]
            ),
            "controller.quorum.voters": f"{NODE_ID}@127.0.0.1:{controller_port}",
            "log.dirs": log_dir,
        }
    )
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _record_settings(sizes: Sizes) -> dict[str, str | int]:
    """The settings by which the largest record comes in, is kept and goes out again."""
    record = max(sizes.max_message_bytes, MAX_MESSAGE_BYTES)
    return {
        "message.max.bytes": record,
        "replica.fetch.max.bytes": record,
        "socket.request.max.bytes": record + _AROUND_BYTES,
        # Large requests wait in their sockets for memory instead of ending the broker for lack of it.
        "queued.max.request.bytes": record + _AROUND_BYTES,
    }


def java_options(java: Java, *, home: Path, sizes: Sizes) -> list[str]:
    """Options of the Java launcher for a broker that works in the folder `home`."""
    options = [
        f"-Xmx{sizes.heap_mb + _HEAPS_PER_RECORD * sizes.larger_mb}m",
        # Each thread keeps a buffer as large as the largest record it has met. By default all together may have no more
        # than the heap, and then a few 64 MiB records end the log cleaner. Costs nothing until it is used.
        f"-XX:MaxDirectMemorySize={1024 + _BUFFERS * sizes.larger_mb}m",
        "-XX:+UseSerialGC",  # the smallest collector: half the memory of G1 at this size
        "-XX:TieredStopAtLevel=1",  # the quick compiler alone: a start in half the time
        "-XX:-UsePerfData",  # no file of counters in the system's temporary folder
        "-XX:+ExitOnOutOfMemoryError",  # a broker without memory must end and be seen to end, not linger
        f"-XX:ErrorFile={home / 'logs' / 'java-crash.log'}",
        f"-Djava.io.tmpdir={home / 'tmp'}",  # compression libraries are unpacked there; emptied at each start
        "-Dlog4j2.configurationFile=log4j2.properties",
        f"{HOME_OPTION}{home}",
    ]
    if java.version >= _JAVA_WITH_NATIVE_WARNINGS:
        options += ["--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"]
    return options
