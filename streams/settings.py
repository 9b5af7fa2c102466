"""Every setting of the service, with its default and the reason for it; read from TIDECAST_… variables.

Longer than a module should be: one list, which people read from top to bottom.
"""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connectors.shown_urls import shown_url

__all__ = ["SecretUrl", "Settings"]

MIB = 1024 * 1024
_PREFIX = "TIDECAST_"
_OFF = "off"
_WAYS = (_OFF, "token", "ak-sk")
_SHORTEST_SECRET = 32  # characters: whoever types one in makes a phrase, whoever makes one has 44 of base64
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_BUCKETS = ("s3", "s3a", "gs", "gcs")  # schemes of fsspec whose addresses begin with a bucket


def _model_server_workers() -> str | None:
    """What SageMaker's own variable of that name says (contract D-045), where ours is not set."""
    return os.environ.get("MODEL_SERVER_WORKERS") or None


def _deepar_inference_config() -> str | None:
    """Likewise the variable that contract D-050 speaks of."""
    return os.environ.get("DEEPAR_INFERENCE_CONFIG") or None


class SecretUrl(SecretStr):
    """An address that may hold a password: printed it is `shown_url` of it, used it is `get_secret_value`."""

    def _display(self) -> str:
        return shown_url(self._secret_value)


class Settings(BaseSettings):
    """All settings. A variable TIDECAST_<NAME> sets the field <name>; what is absent has the default below."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, hide_input_in_errors=True)

    home: Path = Field(
        default_factory=lambda: Path.home() / ".tidecast",
        description="Folder of the embedded broker's data, uploads, logs and object store.",
    )
    http_host: str = Field("127.0.0.1", description="Address the HTTP view listens on.")
    http_port: int = Field(8080, ge=0, le=65535, description="Port of the HTTP view; 0 picks a free one.")
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65_000,
        description="Port where a trainer gives Prometheus its figures (the HTTP view has them at /metrics); absent: "
        "none. The trainers of `tidecast up` take this port and those after it.",
    )
    advertised_url: str | None = Field(
        None, description="Address under which other state workers reach this one; absent: host and port above."
    )
    auth: str = Field(
        "off",
        description="Who may ask: off, anybody; token, who has one for a user and password; ak-sk, who signs with a "
        "key; several parted by commas (docs/access.md).",
    )
    access_key: SecretStr | None = Field(
        None,
        description="Secret of the installation, 32 characters or more, by which tokens are signed and keys encrypted; "
        "absent: a file of the home, made at the first start. The same for all state workers.",
    )
    cluster_secret: SecretStr | None = Field(
        None,
        description="Secret by which state workers know one another's requests, 32 characters or more; absent: derived "
        "from TIDECAST_ACCESS_KEY, else made once and kept in the object store.",
    )
    token_lifetime_s: float = Field(86_400.0, ge=1, description="Seconds that a token is good for.")
    token: SecretStr | None = Field(None, description="For commands that ask a service: the token they send.")
    access_key_id: str | None = Field(
        None, description="For commands that ask a service: the key they sign with; its secret is the next."
    )
    access_key_secret: SecretStr | None = Field(None, description="See TIDECAST_ACCESS_KEY_ID.")
    audit: bool | None = Field(
        None,
        description="Whether writes and refusals are told on the topic audit; absent: where access control is on.",
    )
    audit_retention_days: int = Field(90, ge=1, description="Days that they are kept there.")
    cors_origins: str = Field(
        "",
        description="Origins whose pages may use the HTTP view, such as https://app.example, parted by commas; * for "
        "all, which then have to send a token or a signature (docs/access.md). Absent: none but its own.",
    )
    requests_per_s: float = Field(
        0.0,
        ge=0,
        description="Requests a second of a project, or of an address where access control is off; then 429. "
        "0: as many as come.",
    )
    request_burst: int = Field(
        200, ge=1, description="Requests that may come at once before that counts, of each state worker."
    )
    allowed_hosts: str = Field(
        "",
        description="Further names under which people ask the HTTP view, parted by commas, such as those that a proxy "
        "gives it; * allows any, for behind a proxy that checks them. Others are answered 421.",
    )
    header_timeout_s: float = Field(
        20.0, gt=0, description="Seconds in which the head of a request must have come; then its connection is closed."
    )
    body_timeout_s: float = Field(
        30.0, gt=0, description="Seconds that a body may be awaited, in one piece or in all; then 408. See next."
    )
    min_body_rate: int = Field(
        32 * 1024,
        ge=1,
        description="Bytes a second that a body which takes longer than that must come with, on average.",
    )
    kafka_port: int = Field(9092, ge=0, le=65535, description="Port of the embedded broker; 0 picks a free one.")
    kafka_bootstrap: str | None = Field(
        None, description="Brokers of an existing Kafka cluster; switches the embedded broker off."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How that cluster is talked to (docs/operation.md)."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How the service says to it who it is."
    )
    kafka_sasl_username: str | None = Field(None, description="Who the service is there.")
    kafka_sasl_password: SecretStr | None = Field(None, description="Its password.")
    kafka_ssl_ca_location: str | None = Field(
        None, description="PEM file of the authorities that sign the brokers' certificates; absent: the system's."
    )
    kafka_ssl_certificate_location: str | None = Field(
        None, description="PEM file of the service's own certificate, where brokers ask for one; its key is the next."
    )
    kafka_ssl_key_location: str | None = Field(None, description="PEM file of the key of that certificate.")
    kafka_ssl_key_password: SecretStr | None = Field(None, description="What opens that key.")
    registry_url: SecretUrl | None = Field(
        None, description="Confluent-compatible schema registry; switches the embedded schema catalogue off."
    )
    redis_url: SecretUrl | None = Field(
        None,
        description="Redis that holds the latest forecast of every series, such as redis://host:6379/0; a database of "
        "its own for each installation.",
    )
    object_store: SecretUrl | None = Field(
        None, description="fsspec URL of the object store, such as s3://bucket/prefix; absent: a folder of the home."
    )
    alerts_webhook: SecretUrl | None = Field(
        None,
        description="http or https address that alerts are posted to. Its host may be reached at public addresses; at "
        "others if TIDECAST_REMOTE_DATASET_HOSTS has them, or if it is an address or localhost itself.",
    )
    alerts_webhook_secret: SecretStr | None = Field(
        None, description="By which what is posted there is signed: HMAC-SHA256, header X-Tidecast-Signature."
    )
    topic_prefix: str = Field("tidecast.", pattern=r"^[A-Za-z0-9._-]*$", description="Prefix of every topic.")
    group_prefix: str = Field("tidecast-", pattern=r"^[A-Za-z0-9._-]*$", description="Prefix of the consumer groups.")
    partitions: int = Field(
        4, ge=1, le=64, description="Partitions per topic: the most workers that share the work. Fixed at first start."
    )
    replication_factor: int = Field(1, ge=1, description="Copies of each partition; 3 on a production cluster.")
    worker_id: str = Field(
        "1",
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Name of this worker, unique per role: restarted under its name, it has its partitions at once.",
    )
    session_timeout_s: float = Field(
        6.0, ge=1, description="Seconds until the group gives up a silent worker; 6 is Kafka's default lower limit."
    )
    table_store: Literal["memory", "rocksdb"] = Field(
        "memory",
        description="Where a state worker has the rows of its tables: memory, or rocksdb, a folder of the home, which "
        "holds more than memory does and is not read from Kafka again at every start (docs/scaling.md).",
    )
    batch_size: int = Field(1000, ge=1, description="Most commands a trainer takes at once; larger gained nothing.")
    training_processes: int = Field(
        0, ge=0, le=256, description="Processes of a trainer for models that take long; 0: one per core."
    )
    max_training_s: float = Field(
        600.0, gt=0, description="Seconds that a series may train by itself; then it is an error result."
    )
    training_memory_bytes: int = Field(
        2048 * MIB, ge=512 * MIB, description="Most memory of one training process; beyond it the series fails."
    )
    max_training_job_s: float = Field(
        86_400.0, gt=0, description="Seconds that the model of a training job may take; then the job has failed."
    )
    max_training_data_bytes: int = Field(
        1024 * MIB, ge=1, description="Largest file of a training job, as it is unpacked; beyond it the job fails."
    )
    max_transform_data_bytes: int = Field(
        1024 * MIB, ge=1, description="Largest input of a transform job, as it is unpacked; beyond it the job fails."
    )
    user_code: Literal["off", "process", "bwrap", "sandlock", "process-unsafe"] = Field(
        "off",
        description="Whether training jobs may run a boot file of their own: process, held by bubblewrap, else by "
        "sandlock; bwrap or sandlock, that one alone; process-unsafe, with limits but held by nothing: it may read "
        "what the service can.",
    )
    user_code_user: int = Field(65534, ge=1, description="User id that such programs get where a trainer is root.")
    user_code_cpu_s: int = Field(
        86_400,
        ge=1,
        description="Seconds of CPU time of one worker of such a version; TIDECAST_MAX_TRAINING_JOB_S of time.",
    )
    user_code_memory_mib: int = Field(4096, ge=16, description="MiB of memory of all its processes together.")
    user_code_processes: int = Field(512, ge=1, description="Processes and threads of one.")
    user_code_file_mib: int = Field(2048, ge=1, description="MiB of its largest file.")
    user_code_total_file_mib: int = Field(8192, ge=1, description="MiB that its files may take together.")
    user_code_files: int = Field(100_000, ge=1, description="Files and folders that it may make.")
    user_code_network: bool = Field(
        False, description="Whether it reaches the network, and several workers of one version reach each other."
    )
    user_code_workers: int = Field(8, ge=1, le=64, description="Most workers (worker_server_num) of one version.")
    max_log_bytes: int = Field(
        16 * MIB,
        ge=1024,
        description="Bytes of a worker's log that are kept of a version; then it is cut, with a word.",
    )
    system_metric_interval_s: float = Field(
        60.0, gt=0, description="Seconds between two values of a version's system_metric_list."
    )
    max_training_jobs: int = Field(1000, ge=1, description="Most training jobs of a project, of each kind; then 400.")
    max_training_versions: int = Field(1000, ge=1, description="Most versions of a training job; beyond it 400.")
    max_project_datasets: int = Field(
        0, ge=0, description="Most data sets of a project; then 429. 0: as many as it likes, here and in the next five."
    )
    max_project_jobs: int = Field(0, ge=0, description="Most forecasting jobs of a project; then 429.")
    max_project_series: int = Field(0, ge=0, description="Most series of all forecasting jobs of a project; then 429.")
    max_project_bytes: int = Field(
        0, ge=0, description="Most bytes that data sets, uploads and outputs of a project may take; then 429."
    )
    max_project_services: int = Field(0, ge=0, description="Most services of a project; then 429.")
    max_project_replicas: int = Field(0, ge=0, description="Most replicas of all services of a project; then 429.")
    max_running_versions: int = Field(
        5, ge=1, description="Most versions of a project's training jobs that run at a time; the others wait."
    )
    model_server_workers: int | None = Field(
        default_factory=_model_server_workers,
        validate_default=True,
        ge=1,
        le=256,
        description="Processes that answer an endpoint's requests, also MODEL_SERVER_WORKERS; absent: one per core.",
    )
    deepar_inference_config: str | None = Field(
        default_factory=_deepar_inference_config,
        description="What JSON Lines and transform jobs ask of endpoints that do not say so themselves, as JSON, "
        "also DEEPAR_INFERENCE_CONFIG; absent: 100 samples, mean and nine quantiles.",
    )
    inference_timeout_s: float = Field(
        60.0, gt=0, description="Seconds in which an endpoint's answer must come; then 504. SageMaker's limit is 60."
    )
    inference_memory_bytes: int = Field(
        2048 * MIB, ge=256 * MIB, description="Most memory of one inference process; beyond it the request fails."
    )
    max_waiting_inferences: int = Field(
        1000, ge=1, description="Most requests that wait for an inference process; then 503 and Retry-After."
    )
    max_num_samples: int = Field(10_000, ge=1, description="Most sample paths that a request may ask for.")
    ignore_unknown_cat: bool = Field(
        False, description="Whether cat, sent to a model without categories, is ignored with a warning; else 400."
    )
    max_model_bytes: int = Field(256 * MIB, ge=1024, description="Largest PMML or ONNX file accepted (413 above).")
    max_model_inspection_s: float = Field(
        30.0, gt=0, description="Seconds in which an uploaded model must be loaded and answer one record; then 400."
    )
    scoring_memory_bytes: int = Field(
        2048 * MIB, ge=256 * MIB, description="Most memory of a process that loads users' models; beyond it it ends."
    )
    scoring_timeout_s: float = Field(
        60.0, gt=0, description="Seconds in which a model's answer must come; then 504, as at an endpoint."
    )
    max_replicas: int = Field(16, ge=1, le=256, description="Most replicas of a service.")
    public_url: str = Field(
        "",
        pattern=r"(https?://[^/?#\s]+)?",
        description="Scheme, host and port of addresses that answers name, such as https://forecast.example:8080; "
        "absent: as the request came.",
    )
    scoring_answers_kept_s: float = Field(
        3600.0, gt=0, description="Seconds that the answer to a request which did not wait can be read."
    )
    write_timeout_s: float = Field(
        10.0, gt=0, description="Seconds a write waits until it can be read back; then 503 and Retry-After."
    )
    max_upload_bytes: int = Field(1024 * MIB, ge=1, description="Largest CSV file accepted (413 above).")
    server_versions: str = Field(
        "3.6,3.7,3.8,3.9",
        pattern=r"^[0-9A-Za-z.]+(\s*,\s*[0-9A-Za-z.]+)*$",
        description="Python versions that services and scoring jobs may name, parted by commas: shown, not run.",
    )
    remote_dataset_hosts: str = Field(
        "",
        description="Hosts that data sets may be fetched from, parted by commas: names, names with a port, addresses, "
        "networks. A name's addresses must be public, or be listed as well. Absent: none.",
    )
    remote_dataset_timeout_s: float = Field(30.0, gt=0, description="Seconds in which such a data set must have come.")
    max_body_bytes: int = Field(64 * MIB, ge=1024, description="Largest JSON body accepted (413 above).")
    max_tracked_bytes: int = Field(
        64 * MIB, ge=1024, description="Largest body that W&B's and MLflow's clients may send with rows (413 above)."
    )
    max_message_bytes: int = Field(
        64 * MIB,
        ge=MIB,
        le=512 * MIB,
        description="Largest Kafka record; raising it raises the topics' limits at the next start. Workers and the "
        "broker have a record in memory several times.",
    )
    max_series_per_job: int = Field(100_000, ge=1, le=131_072, description="Most series a job may have.")
    max_series_points: int = Field(
        1_000_000, ge=1, description="Most points of a series (400 above); some models take minutes for so many."
    )
    max_elements: int = Field(100_000, ge=1, description="Most elements of one PATCH.")
    kept_results: int = Field(
        10, ge=1, description="Of a series that is refreshed, so many results of each refreshed element are kept."
    )
    max_next_k_prediction: int = Field(1000, ge=1, le=100_000, description="Longest forecast, in steps.")
    max_workload_metrics: int = Field(
        10_000, ge=1, description="Most metrics of a workload, one per name and source; points of more are refused."
    )
    max_streams: int = Field(200, ge=1, description="Most live streams that a state worker has open; 503 above.")
    max_max_eval: int = Field(1000, ge=1, description="Most search trials of one submission.")
    dead_letter_retention_days: int = Field(90, ge=1, description="Days that dead letters are kept.")
    event_retention_days: int = Field(
        7, ge=1, description="Days that commands are kept in the log (results and metrics: four times as long)."
    )

    idempotency_retention_days: int = Field(
        7,
        ge=1,
        description="Days that a POST's Idempotency-Key is remembered at least; sent again later, it creates anew.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic hands all of them over
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, then the environment, which is searched for each field only where it has a variable of ours.

        Such a search, and that of files which there are none of, take most of the time that settings take to make.
        """
        named = any(name.upper().startswith(_PREFIX) for name in os.environ)
        return (init_settings, env_settings) if named else (init_settings,)

    @field_validator("auth")
    @classmethod
    def _ways(cls, value: str) -> str:
        """A misspelt way would leave a door open, or shut."""
        ways = [way.strip() for way in value.split(",")]
        if not set(ways) <= set(_WAYS) or (_OFF in ways and len(ways) > 1):
            raise ValueError("expected off, token, ak-sk, or token,ak-sk")
        return ",".join(dict.fromkeys(ways))

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        """What is written in another way would never fit."""
        for origin in filter(None, map(str.strip, value.split(","))):
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"found {origin[:80]}, expected scheme, host and port, such as https://app.example")
        return value

    @model_validator(mode="after")
    def _pages_of_everybody_log_in(self) -> Self:
        if "*" in self.cors_origin_list and not self.auth_ways:
            raise ValueError(
                "TIDECAST_CORS_ORIGINS=* lets every page of the web use this service: set TIDECAST_AUTH or name some"
            )
        return self

    @field_validator("access_key", "cluster_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(f"expected {_SHORTEST_SECRET} characters or more, such as openssl rand -base64 32 prints")
        return value

    @field_validator("kafka_security_protocol", "kafka_sasl_mechanism", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_way_to_brokers(self) -> Self:
        """What would be left out without a word is refused: somebody believes that it protects something."""
        protocol = self.kafka_security_protocol
        of_sasl = {"kafka_sasl_username": self.kafka_sasl_username, "kafka_sasl_password": self.kafka_sasl_password}
        of_tls = {
            "kafka_ssl_ca_location": self.kafka_ssl_ca_location,
            "kafka_ssl_certificate_location": self.kafka_ssl_certificate_location,
            "kafka_ssl_key_location": self.kafka_ssl_key_location,
        }
        if protocol != "PLAINTEXT" and self.kafka_bootstrap is None:
            raise ValueError(f"TIDECAST_KAFKA_SECURITY_PROTOCOL is {protocol}, but TIDECAST_KAFKA_BOOTSTRAP is not set")
        for name, value in of_sasl.items():
            if protocol.startswith("SASL") and not value:
                raise ValueError(f"TIDECAST_{name.upper()} is missing: {protocol} needs it")
            if value and not protocol.startswith("SASL"):
                raise ValueError(f"TIDECAST_{name.upper()} is of no use with {protocol}: use SASL_SSL")
        for name, value in of_tls.items():
            if value and not protocol.endswith("SSL"):
                raise ValueError(f"TIDECAST_{name.upper()} is of no use with {protocol}: use SSL or SASL_SSL")
            if value and not Path(value).is_file():
                raise ValueError(f"TIDECAST_{name.upper()}: there is no file {value}")
        return self

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretUrl | None) -> SecretUrl | None:
        if value is not None and not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("expected an address that begins with redis://, rediss:// or unix://")
        return value

    @field_validator("alerts_webhook", "registry_url")
    @classmethod
    def _web_address(cls, value: SecretUrl | None) -> SecretUrl | None:
        if value is not None and not value.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("expected an address that begins with http:// or https://")
        return value

    @field_validator("alerts_webhook", "redis_url", "registry_url")
    @classmethod
    def _readable(cls, value: SecretUrl | None) -> SecretUrl | None:
        """Whoever parses it later would tell in its error what it took for a port: a part of the password."""
        try:
            if value is not None:
                _ = urlsplit(value.get_secret_value()).port
        except ValueError:
            raise ValueError("the address cannot be read: in a password write / as %2F, : as %3A, @ as %40") from None
        return value

    @field_validator("object_store")
    @classmethod
    def _without_keys(cls, value: SecretUrl | None) -> SecretUrl | None:
        """Such a store takes keys in its address for the name of a bucket, and tells it in its errors."""
        scheme, _, rest = ("" if value is None else value.get_secret_value()).partition("://")
        if scheme in _BUCKETS and "@" in rest:
            raise ValueError(
                "keys belong in the environment (AWS_ACCESS_KEY_ID …) or in a file of the client, not here"
            )
        return value

    @property
    def audited(self) -> bool:
        """Whether the topic audit is written to."""
        return bool(self.auth_ways) if self.audit is None else self.audit

    @property
    def cors_origin_list(self) -> list[str]:
        """Origins whose pages may use the HTTP view."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def auth_ways(self) -> frozenset[str]:
        """How it can be shown who asks: token, ak-sk, both; none where access control is off."""
        return frozenset(self.auth.split(",")) - {_OFF}

    @property
    def object_store_url(self) -> str:
        """Where data sets and splits lie: to connect with, for it may hold a password; see `shown_object_store`."""
        given = self.object_store.get_secret_value() if self.object_store is not None else ""
        return given or f"file://{self.home / 'objects'}"  # no as_uri: fsspec takes %20 as it stands

    @property
    def shown_object_store(self) -> str:
        """Where data sets and splits lie, without its password: to be shown and logged."""
        return shown_url(self.object_store_url)

    def environment(self, **changed: object) -> dict[str, str]:
        """The variables that give another process these settings, but for what is changed. Passwords are in them."""
        given = self.model_dump(exclude_none=True) | changed
        return {
            f"TIDECAST_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in given.items()
        }

    @property
    def environments(self) -> list[str]:
        """The Python versions that services and scoring jobs may name."""
        return [version.strip() for version in self.server_versions.split(",")]

    @property
    def record_limit(self) -> int:
        """Bytes of the largest record that an agent sends: 1 KiB below the most, as keys grow on the way."""
        return self.max_message_bytes - 1024

    @property
    def write_timeout(self) -> timedelta:
        """How long a write waits until it can be read back."""
        return timedelta(seconds=self.write_timeout_s)
