"""Every setting from its variable, with its default, its limits and its sentence."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import SecretStr, ValidationError

from connectors.objects.store import ObjectStore
from streams.settings import SecretUrl, Settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine that runs the tests, and another user's home."""
    for field in Settings.model_fields:
        monkeypatch.delenv(f"TIDECAST_{field.upper()}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


DEFAULTS = {
    "http_host": "127.0.0.1",
    "http_port": 8080,
    "kafka_port": 9092,
    "kafka_bootstrap": None,
    "registry_url": None,
    "redis_url": None,
    "metrics_port": None,
    "object_store": None,
    "advertised_url": None,
    "topic_prefix": "tidecast.",
    "partitions": 4,
    "session_timeout_s": 6.0,
    "max_series_per_job": 100_000,
    "max_series_points": 1_000_000,
    "max_next_k_prediction": 1000,
    "max_max_eval": 1000,
    "max_training_job_s": 86_400.0,
    "max_training_data_bytes": 1024**3,
}


@pytest.mark.parametrize(("field", "value"), DEFAULTS.items(), ids=DEFAULTS)
def test_defaults(field: str, value: object) -> None:
    """What a user who sets nothing gets: one machine, reachable from itself only (decisions 7, 13, 14)."""
    assert getattr(Settings(), field) == value


def test_home_is_in_the_users_home(tmp_path: Path) -> None:
    """Looked up when the settings are made, not when the module is imported."""
    assert Settings().home == tmp_path / ".tidecast"


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("TIDECAST_HOME", "/srv/tidecast", "home", Path("/srv/tidecast")),
        ("TIDECAST_HTTP_HOST", "0.0.0.0", "http_host", "0.0.0.0"),
        ("TIDECAST_HTTP_PORT", "0", "http_port", 0),
        ("tidecast_http_port", "0", "http_port", 0),
        ("TIDECAST_KAFKA_PORT", "19092", "kafka_port", 19092),
        ("TIDECAST_KAFKA_BOOTSTRAP", "a:9092,b:9092", "kafka_bootstrap", "a:9092,b:9092"),
        ("TIDECAST_REGISTRY_URL", "http://registry:8081", "registry_url", SecretUrl("http://registry:8081")),
        ("TIDECAST_OBJECT_STORE", "s3://bucket/prefix", "object_store", SecretUrl("s3://bucket/prefix")),
        ("TIDECAST_TOPIC_PREFIX", "", "topic_prefix", ""),
        ("TIDECAST_REDIS_URL", "rediss://:word@redis:6380/2", "redis_url", SecretUrl("rediss://:word@redis:6380/2")),
        ("TIDECAST_METRICS_PORT", "9400", "metrics_port", 9400),
        ("TIDECAST_WORKER_ID", "blue-2", "worker_id", "blue-2"),
        ("TIDECAST_MAX_UPLOAD_BYTES", "5", "max_upload_bytes", 5),
        ("TIDECAST_MAX_SERIES_PER_JOB", "131072", "max_series_per_job", 131_072),
        ("TIDECAST_MAX_MAX_EVAL", "7", "max_max_eval", 7),
        ("TIDECAST_MAX_NEXT_K_PREDICTION", "7", "max_next_k_prediction", 7),
    ],
)
def test_decision14_a_variable_sets_its_field(
    variable: str, text: str, field: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TIDECAST_ and the field's name."""
    monkeypatch.setenv(variable, text)

    assert getattr(Settings(), field) == value


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("HTTP_PORT", "65536"),
        ("HTTP_PORT", "-1"),
        ("HTTP_PORT", "http"),
        ("KAFKA_PORT", "70000"),
        ("PARTITIONS", "0"),
        ("PARTITIONS", "65"),
        ("MAX_SERIES_PER_JOB", "131073"),
        ("MAX_SERIES_PER_JOB", "0"),
        ("MAX_NEXT_K_PREDICTION", "0"),
        ("MAX_MAX_EVAL", "0"),
        ("MAX_TRAINING_JOB_S", "0"),
        ("MAX_TRAINING_DATA_BYTES", "0"),
        ("WRITE_TIMEOUT_S", "0"),
        ("TOPIC_PREFIX", "no blanks"),
        ("REDIS_URL", "redis:6379"),
        ("REDIS_URL", "redis://:pass/word@redis:6379"),
        ("REGISTRY_URL", "http://user:pass/word@registry:8081"),
        ("OBJECT_STORE", "s3://key:word@bucket/prefix"),
        ("METRICS_PORT", "0"),
        ("GROUP_PREFIX", "über"),
        ("WORKER_ID", ""),
        ("MAX_MESSAGE_BYTES", "1000"),
    ],
)
def test_an_impossible_value_is_refused_with_its_name(field: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, not at the first use."""
    monkeypatch.setenv(f"TIDECAST_{field}", text)

    with pytest.raises(ValidationError, match=field.lower()) as refused:
        Settings()

    assert "word" not in str(refused.value).replace("in a password write", "")  # the address may hold a password


def test_another_process_can_be_given_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the passwords, which nothing prints; what is changed is changed."""
    redis, store = SecretUrl("redis://:canary@redis"), SecretUrl("sftp://user:canary@host/folder")
    of_brokers: Any = {
        "kafka_bootstrap": "kafka:9093",
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_username": "service",
        "kafka_sasl_password": SecretStr("canary"),
    }
    settings = Settings(home=tmp_path, redis_url=redis, object_store=store, http_port=1, **of_brokers)
    for name, value in settings.environment(http_port=2).items():
        monkeypatch.setenv(name, value)

    assert Settings() == settings.model_copy(update={"http_port": 2})
    assert "canary" not in f"{settings!r}{settings}{settings.model_dump_json()}{settings.shown_object_store}"


def test_settings_do_not_change() -> None:
    """Two parts of a process never see two values."""
    settings = Settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.http_port = 1  # type: ignore[misc]  # what the test is about


def test_every_setting_says_what_it_is_for() -> None:
    """`tidecast settings` prints these sentences."""
    assert all(field.description and field.description.endswith(".") for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("home", "expected"),
    [("~/data", "{home}/data"), ("relative", "{cwd}/relative")],
)
def test_home_is_absolute(home: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Child processes run elsewhere and must find the same folder."""
    monkeypatch.chdir("/")
    monkeypatch.setenv("TIDECAST_HOME", home)

    assert str(Settings().home) == expected.format(home=tmp_path, cwd="").replace("//", "/")


def test_the_object_store_is_a_folder_of_the_home_unless_set(tmp_path: Path) -> None:
    """Nothing else needs to run."""
    assert Settings(home=tmp_path).object_store_url == f"file://{tmp_path}/objects"
    assert Settings(object_store=SecretUrl("s3://bucket/p")).object_store_url == "s3://bucket/p"


@pytest.mark.parametrize("name", ["with blank", "größe", "a%20b", "plain"])
def test_the_object_store_of_any_home_is_in_that_home(name: str, tmp_path: Path) -> None:
    """A folder's name is taken as it is, not as a URL's."""
    home = tmp_path / name

    ObjectStore(Settings(home=home).object_store_url).put_bytes("a/b", b"data")

    assert (home / "objects" / "a" / "b").read_bytes() == b"data"


def test_the_write_timeout_is_a_duration() -> None:
    """Durations are timedeltas inside."""
    assert Settings(write_timeout_s=2.5).write_timeout == timedelta(seconds=2.5)


def test_the_series_limit_fits_the_series_ids() -> None:
    """As many series as the index bits of a series id, and as many partitions as its partition bits."""
    from streams.engine.ids import PARTITION_BITS, SERIES_INDEX_BITS  # noqa: PLC0415  # only this test compares them

    assert Settings(max_series_per_job=2**SERIES_INDEX_BITS).max_series_per_job == 131_072
    assert Settings(partitions=2**PARTITION_BITS).partitions == 64
    with pytest.raises(ValidationError):
        Settings(max_series_per_job=2**SERIES_INDEX_BITS + 1)
    with pytest.raises(ValidationError):
        Settings(partitions=2**PARTITION_BITS + 1)


@pytest.mark.parametrize("name", [it for it in Settings.model_fields if re.search("password|secret|token$|_key$", it)])
def test_D64_what_is_named_as_a_secret_is_one(name: str) -> None:
    """Of such a type that no print of it shows more than stars."""
    assert SecretStr in get_args(Settings.model_fields[name].annotation)


def test_D045_D050_variables_that_the_contract_names_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our prefix; with it they win."""
    monkeypatch.setenv("MODEL_SERVER_WORKERS", "3")
    monkeypatch.setenv("DEEPAR_INFERENCE_CONFIG", '{"num_samples": 7}')
    assert (Settings().model_server_workers, Settings().deepar_inference_config) == (3, '{"num_samples": 7}')

    monkeypatch.setenv("TIDECAST_MODEL_SERVER_WORKERS", "4")
    monkeypatch.setenv("TIDECAST_DEEPAR_INFERENCE_CONFIG", '{"num_samples": 8}')
    assert (Settings().model_server_workers, Settings().deepar_inference_config) == (4, '{"num_samples": 8}')
