"""What the embedded broker refuses, and how it says so; without a Kafka."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.embedded_kafka.broker import (
    BrokerStartError,
    DataRefusedError,
    EmbeddedKafka,
    HomeInUseError,
    PortInUseError,
    record_class_archive,
)
from connectors.embedded_kafka.class_archive import ClassArchive
from connectors.embedded_kafka.config import LOG4J2_PROPERTIES, ForwardedPort, Sizes, java_options, server_properties
from connectors.embedded_kafka.java import Java
from connectors.embedded_kafka.ports import check_free, free_port, kept_or_free

NO_JAVA = Java(Path("/nowhere/bin/java"), 17)


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    path = tmp_path / "jars"
    path.mkdir()
    return path


def _java(tmp_path: Path, script: str) -> Java:
    """A Java that runs a shell script; formatting succeeds, as it must to come to the server."""
    launcher = tmp_path / "java"
    format_ = 'case "$*" in *StorageTool*) mkdir data.new && touch data.new/meta.properties; exit;; esac'
    launcher.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{format_}\n{script}\n")
    launcher.chmod(0o755)
    return Java(launcher, 17)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_named_before_java_starts(tmp_path: Path, jars: Path, taken_port: int) -> None:
    """The error has the port and the setting, and nothing was made."""
    broker = EmbeddedKafka(tmp_path / "home", port=taken_port, jars=jars, java=NO_JAVA)

    with pytest.raises(PortInUseError) as caught:
        broker.start()

    assert f"port {taken_port} of 127.0.0.1" in str(caught.value)
    assert "TIDECAST_KAFKA_PORT" in str(caught.value)
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["owner.lock"]


def test_foreign_data_is_refused_before_java_starts(tmp_path: Path, jars: Path) -> None:
    """Data without meta.properties stays as it is."""
    (tmp_path / "home" / "data" / "forecasts-0").mkdir(parents=True)
    broker = EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=NO_JAVA)

    with pytest.raises(DataRefusedError):
        broker.start()

    assert {path.name for path in (tmp_path / "home").iterdir()} == {"owner.lock", "data"}


def test_a_home_in_use_is_refused_and_given_up_after_a_failure(tmp_path: Path, jars: Path, taken_port: int) -> None:
    """While one broker object has the folder no other gets it; a start that failed does not keep it."""
    failed = EmbeddedKafka(tmp_path / "home", port=taken_port, jars=jars, java=NO_JAVA)
    with pytest.raises(PortInUseError):
        failed.start()
    running = EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=_java(tmp_path, "exec sleep 600"))
    running.start()

    try:
        with pytest.raises(HomeInUseError):
            EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=NO_JAVA).start()
        assert running.alive
    finally:
        running.kill()
    assert not running.alive


def test_a_java_that_cannot_be_run_is_named(tmp_path: Path, jars: Path) -> None:
    """No such Java is an error in words."""
    with pytest.raises(BrokerStartError, match="/nowhere/bin/java"):
        EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=NO_JAVA).start()


def test_a_failing_format_is_told(tmp_path: Path, jars: Path) -> None:
    """What Kafka's formatting tool says is passed on without its stack, and no data folder is left."""
    java = _java(tmp_path, "")
    java.path.write_text("#!/bin/sh\necho 'bad settings' >&2\nprintf '\\tat a.b.C\\n' >&2\nexit 1\n")

    with pytest.raises(BrokerStartError, match=r"cannot be formatted: bad settings$"):
        EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=java).start()

    assert not (tmp_path / "home" / "data").exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'could not reserve memory'; exit 1", "could not reserve memory"),
        (
            "echo '[t] INFO fine (x)\n[t] ERROR disk full (x)\n\tat a.b' > logs/server.log; echo x; exit 1",
            "ERROR disk full",
        ),
        ("exit 1", "nothing"),
    ],
    ids=["console", "log", "silent"],
)
def test_a_broker_that_ends_while_starting_leaves_its_last_words(
    tmp_path: Path, jars: Path, script: str, words: str
) -> None:
    """The error has the log's errors, else what was printed, and names the folder of the logs."""
    broker = EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=_java(tmp_path, script))
    broker.start()

    with pytest.raises(BrokerStartError) as caught:
        broker.wait_ready()

    assert f"Its last words: {words}" in str(caught.value).replace("[t] ", "")
    assert "INFO" not in str(caught.value)
    assert str(tmp_path / "home" / "logs") in str(caught.value)
    assert not broker.alive


def test_errors_of_an_earlier_start_are_not_told_again(tmp_path: Path, jars: Path) -> None:
    """Only what this start wrote into the log counts."""
    broker = EmbeddedKafka(
        tmp_path / "home", port=0, jars=jars, java=_java(tmp_path, "echo '[t] ERROR new' >> logs/server.log; exit 1")
    )
    (tmp_path / "home" / "logs").mkdir(parents=True)
    (tmp_path / "home" / "logs" / "server.log").write_text("[t] ERROR old\n")
    broker.start()

    with pytest.raises(BrokerStartError) as caught:
        broker.wait_ready()

    assert "new" in str(caught.value)
    assert "old" not in str(caught.value)


def test_a_controller_port_lost_to_another_is_replaced_once(tmp_path: Path, jars: Path) -> None:
    """A port taken between our look and the broker's is a reason to start once more, not twice."""
    script = "echo start >> starts; echo 'java.net.BindException: Address already in use'; exit 1"
    broker = EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=_java(tmp_path, script))
    broker.start()

    with pytest.raises(BrokerStartError, match="Address already in use"):
        broker.wait_ready()

    assert (tmp_path / "home" / "starts").read_text() == "start\n" * 2


def test_a_free_port_that_another_takes_is_replaced(tmp_path: Path, jars: Path) -> None:
    """Between our look and the broker's; no client knows it yet."""
    script = "echo start >> starts; echo 'java.net.BindException: Address already in use'; exit 1"
    broker = EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=_java(tmp_path, script))
    broker.start()
    lost = broker.bootstrap
    host, _, port = lost.partition(":")

    with socket.create_server((host, int(port))), pytest.raises(BrokerStartError, match="Address already in use"):
        broker.wait_ready()

    assert broker.bootstrap != lost
    assert (tmp_path / "home" / "starts").read_text() == "start\n" * 2


def test_a_broker_that_never_answers_is_given_up(tmp_path: Path, jars: Path) -> None:
    """When the time is up the error says where and how long it was waited; the context manager leaves no process."""
    broker = EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=_java(tmp_path, "exec sleep 600"))
    broker.start()

    with pytest.raises(BrokerStartError, match=rf"no Kafka broker at {broker.bootstrap} after 0\.2 s"):
        broker.wait_ready(timedelta(seconds=0.2))

    broker.stop()
    assert not broker.alive


def test_waiting_for_a_broker_that_was_not_started_is_told(tmp_path: Path, jars: Path) -> None:
    """wait_ready without start says so at once."""
    with pytest.raises(BrokerStartError, match=r"call start\(\)"):
        EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=NO_JAVA).wait_ready()


def test_an_archive_that_cannot_be_recorded_is_never_an_error(tmp_path: Path, jars: Path) -> None:
    """Recording fails in silence, leaves nothing behind, and is not tried again."""
    said: list[str] = []

    record_class_archive(jars, _java(tmp_path, "exit 1"), progress=said.append)
    record_class_archive(jars, _java(tmp_path, "exit 1"), progress=said.append)

    assert len(said) == 1
    assert not ClassArchive.of(jars, Java(tmp_path / "java", 17)).usable
    assert not list(tmp_path.glob("recording-*"))


def test_a_broker_that_only_starts_without_its_archive_is_still_not_ready(tmp_path: Path, jars: Path) -> None:
    """An end with the archive leads to a start without; the archive stays until a start without it succeeds."""
    java = _java(tmp_path, 'echo "$*" >> starts; exit 1')
    archive = ClassArchive.of(jars, java)
    archive.path.touch()
    broker = EmbeddedKafka(tmp_path / "home", port=0, jars=jars, java=java)
    broker.start()

    with pytest.raises(BrokerStartError):
        broker.wait_ready()

    starts = (tmp_path / "home" / "starts").read_text().splitlines()
    assert ["SharedArchiveFile" in start for start in starts] == [True, False]
    assert archive.usable


@pytest.mark.parametrize(
    ("version", "use", "record"),
    [(17, "SharedArchiveFile", "ArchiveClassesAtExit"), (25, "AOTCache", "AOTCacheOutput")],
)
def test_each_java_gets_the_archive_it_knows(jars: Path, version: int, use: str, record: str) -> None:
    """Java 17 to 24 share classes, 25 and later have the AOT cache."""
    archive = ClassArchive.of(jars, Java(Path("/nowhere/bin/java"), version))

    assert archive.use_options[-1] == f"-XX:{use}={archive.path}"
    assert archive.record_options(Path("/draft"))[-1] == f"-XX:{record}=/draft"
    assert archive.path.parent == jars.parent


def test_the_settings_of_one_small_node() -> None:
    """Addresses come from the arguments; nothing asks for a second copy; large records pass every limit."""
    at = {"host": "127.0.0.1", "port": 9092, "controller_port": 9093, "log_dir": "data"}
    lines = server_properties(**at, sizes=Sizes()).splitlines()
    settings = dict(line.split("=", 1) for line in lines)

    assert settings["listeners"] == "BROKER://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert settings["advertised.listeners"] == "BROKER://127.0.0.1:9092"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:9093"
    assert settings["auto.create.topics.enable"] == "false"
    assert {value for name, value in settings.items() if name.endswith(("replication.factor", "min.isr"))} == {"1"}
    assert int(settings["message.max.bytes"]) == 64 * 1024 * 1024
    assert int(settings["socket.request.max.bytes"]) > int(settings["message.max.bytes"])
    assert int(settings["group.min.session.timeout.ms"]) <= 6000


@pytest.mark.parametrize("record", [1024**2, 64 * 1024**2, 64 * 1024**2 + 1, 512 * 1024**2])
def test_the_largest_record_passes_every_limit(tmp_path: Path, record: int) -> None:
    """Of the sockets, of the queue before them, of the topics; and there is memory for it."""
    sizes = Sizes(record)
    at = {"host": "127.0.0.1", "port": 9092, "controller_port": 9093, "log_dir": "data"}
    settings = dict(line.split("=", 1) for line in server_properties(**at, sizes=sizes).splitlines())
    heap = next(o for o in java_options(Java(Path("/java"), 25), home=tmp_path, sizes=sizes) if o.startswith("-Xmx"))

    assert int(settings["message.max.bytes"]) >= record
    assert int(settings["replica.fetch.max.bytes"]) >= record
    assert int(settings["socket.request.max.bytes"]) >= record + 1024**2
    assert int(settings["queued.max.request.bytes"]) == int(settings["socket.request.max.bytes"]) < 2**31
    assert int(heap.removeprefix("-Xmx").removesuffix("m")) * 1024**2 > 3 * record


def test_clients_behind_a_proxy_are_told_its_port() -> None:
    """Others hear the broker's own, as before."""
    lines = server_properties(
        host="127.0.0.1",
        port=9092,
        controller_port=9093,
        log_dir="data",
        sizes=Sizes(),
        forwarded=[ForwardedPort(9094, 9999)],
    ).splitlines()
    settings = dict(line.split("=", 1) for line in lines)

    assert settings["advertised.listeners"] == "BROKER://127.0.0.1:9092,FORWARDED1://127.0.0.1:9999"
    listeners = settings["listeners"].split(",")
    assert listeners[:2] == ["BROKER://127.0.0.1:9092", "FORWARDED1://127.0.0.1:9094"]
    names = {listener.partition(":")[0] for listener in listeners}
    assert names == {pair.partition(":")[0] for pair in settings["listener.security.protocol.map"].split(",")}


def test_logs_and_temporary_files_stay_under_the_home(tmp_path: Path) -> None:
    """Nothing grows without bound, and nothing is written elsewhere."""
    options = java_options(Java(Path("/java"), 25), home=tmp_path, sizes=Sizes(heap_mb=300))

    assert "-Xmx300m" in options
    assert f"-Djava.io.tmpdir={tmp_path}/tmp" in options
    assert "--enable-native-access=ALL-UNNAMED" in options
    assert "SizeBasedTriggeringPolicy" in LOG4J2_PROPERTIES
    assert "fileName = logs/" in LOG4J2_PROPERTIES


def test_java_17_gets_no_option_it_does_not_know(tmp_path: Path) -> None:
    """The options against warnings are for those releases that warn."""
    assert not [o for o in java_options(Java(Path("/java"), 17), home=tmp_path, sizes=Sizes()) if o.startswith("--")]


def test_free_ports_are_below_those_of_outgoing_connections(taken_port: int) -> None:
    """A port that outgoing connections may take would be lost to a client that waits for the broker."""
    port = free_port()

    assert 1024 < port < 32768
    assert kept_or_free(port) == port
    assert kept_or_free(taken_port) != taken_port
    check_free("127.0.0.1", port, setting="X")


def test_an_address_of_another_machine_cannot_be_listened_at() -> None:
    """A host that is not this machine's is told like a port in use."""
    with pytest.raises(PortInUseError, match=r"port 20000 of 192\.0\.2\.1 .* set X to another"):
        check_free("192.0.2.1", 20000, setting="X")
