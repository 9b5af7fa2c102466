"""Who may open the folder of a broker, and what data in it is refused."""

from pathlib import Path

import pytest

from connectors.embedded_kafka.errors import DataRefusedError, HomeInUseError
from connectors.embedded_kafka.home import Identity, KafkaHome
from connectors.embedded_kafka.jars import KAFKA_VERSION

OURS = Identity("MkU3OEVBNTcwNTJENDM2Qg", KAFKA_VERSION, 21093)


@pytest.fixture
def home(tmp_path: Path) -> KafkaHome:
    return KafkaHome(tmp_path)


def _write_meta(home: KafkaHome, **changes: str | None) -> None:
    """meta.properties as Kafka writes it, with some fields changed or (None) left out."""
    fields: dict[str, str | None]
    fields = {"node.id": "1", "directory.id": "hHcSmAVsiHdarVn9ZzS6Zw", "version": "1", "cluster.id": OURS.cluster_id}
    fields |= {name.replace("_", "."): value for name, value in changes.items()}
    home.data.mkdir(exist_ok=True)
    lines = ["#", "#Sun Nov 22 12:02:39 UTC 2026", *(f"{name}={value}" for name, value in fields.items() if value)]
    (home.data / "meta.properties").write_text("\n".join(lines) + "\n")


def test_a_new_home_gets_a_new_cluster(home: KafkaHome) -> None:
    """Without data and identity a cluster id of Kafka's form is made, another one each time."""
    first, second = home.identity(), home.identity()

    assert first.cluster_id != second.cluster_id
    assert len(first.cluster_id) == 22
    assert not first.cluster_id.startswith("-")


def test_the_identity_is_kept(home: KafkaHome) -> None:
    """What was kept is read again, together with data of the same cluster."""
    home.keep(OURS)
    _write_meta(home)

    assert KafkaHome(home.root).identity() == OURS


def test_data_without_identity_is_adopted(home: KafkaHome) -> None:
    """Data that was restored from a backup alone is opened under its own cluster id."""
    _write_meta(home, cluster_id="abcdefghijklmnopqrstuv")

    assert home.identity().cluster_id == "abcdefghijklmnopqrstuv"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cluster_id": "abcdefghijklmnopqrstuv"}, "data of the Kafka cluster abcdefghijklmnopqrstuv"),
        ({"version": "2"}, "version=2, expected was 1"),
        ({"version": None}, "version=None"),
        ({"node_id": "7"}, "node.id=7, expected was 1"),
        ({"cluster_id": None}, "no cluster.id"),
    ],
)
def test_data_that_is_not_ours_is_refused(home: KafkaHome, changes: dict[str, str | None], said: str) -> None:
    """Data of another cluster, node or format is named and left as it is."""
    home.keep(OURS)
    _write_meta(home, **changes)
    before = (home.data / "meta.properties").read_bytes()

    with pytest.raises(DataRefusedError) as caught:
        home.identity()

    assert said in str(caught.value)
    assert str(home.data) in str(caught.value)
    assert (home.data / "meta.properties").read_bytes() == before


def test_data_without_meta_is_refused(home: KafkaHome) -> None:
    """A data folder with topics but without meta.properties is not formatted over."""
    home.keep(OURS)
    (home.data / "forecasts-0").mkdir(parents=True)

    with pytest.raises(DataRefusedError, match=r"meta\.properties is missing: restore it from a backup, or"):
        home.identity()

    assert (home.data / "forecasts-0").exists()


def test_unreadable_meta_is_refused(home: KafkaHome) -> None:
    """A meta.properties that is no text is named, with the remedy."""
    home.data.mkdir()
    (home.data / "meta.properties").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(DataRefusedError, match=r"meta\.properties cannot be read .*: restore it from a backup, or"):
        home.identity()


def test_data_of_a_newer_release_is_refused(home: KafkaHome) -> None:
    """What a newer Kafka has written, this one cannot read; numbers are compared as numbers."""
    home.keep(Identity(OURS.cluster_id, "4.10.0", 21093))
    _write_meta(home)

    with pytest.raises(DataRefusedError, match=r"last written by Kafka 4\.10\.0"):
        home.identity()


def test_data_of_an_older_release_is_taken_over(home: KafkaHome) -> None:
    """Kafka reads what its older releases wrote."""
    older = Identity(OURS.cluster_id, "4.1.2", 21093)
    home.keep(older)
    _write_meta(home)

    assert home.identity() == older


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cluster_id": "x"}', b"\xff"])
def test_an_unreadable_identity_is_refused(home: KafkaHome, content: bytes) -> None:
    """An identity that cannot be read is not replaced by a new one."""
    (home.root / "identity.json").write_bytes(content)

    with pytest.raises(DataRefusedError, match=r"identity\.json cannot be read"):
        home.identity()


def test_a_home_has_one_owner(home: KafkaHome) -> None:
    """A second owner is refused with the folder and the process; after a release the next one may."""
    home.acquire()
    second = KafkaHome(home.root)

    with pytest.raises(HomeInUseError, match=rf"{home.root} is in use .*process \d+.*TIDECAST_HOME"):
        second.acquire()

    home.release()
    second.acquire()
    second.release()


def test_preparing_removes_what_a_cut_short_start_left(home: KafkaHome) -> None:
    """Half-made data and temporary files go; data and logs stay."""
    _write_meta(home)
    for leftover in (home.new_data, home.root / "tmp", home.logs):
        leftover.mkdir()
        (leftover / "file").touch()

    home.prepare()

    assert not home.new_data.exists()
    assert list((home.root / "tmp").iterdir()) == []
    assert (home.logs / "file").exists()
    assert home.formatted
