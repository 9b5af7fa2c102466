"""The Helm chart: what it makes of its values, against the code that it starts. There is no Kubernetes in the tests."""

import base64
import json
import re
import tomllib
import typing
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from pydantic import SecretStr

import connectors
from streams.addresses import listens_everywhere, named_hosts, own_hosts
from streams.cli.main import app
from streams.settings import Settings
from streams.views.operation import health
from streams.workers import apps
from tests.compose import ROOT, SERVICES
from tests.unit.deployment.chart import (
    CHART,
    FULL,
    RELEASE,
    by_kind,
    containers,
    environment,
    helm,
    one,
    rendered,
    schema_of,
)

VALUES: Final[dict[str, dict[str, Any]]] = {
    "default": {},
    "full": FULL,
    "by a figure": {"trainers": {"scaling": {"by": "metric"}}},
    "by hand": {
        "trainers": {"scaling": {"by": "none"}, "replicas": 3},
        "objectStore": {"volume": {"existingClaim": "c"}},
    },
}
KUBERNETES: Final = ("1.27.0", "1.32.0", "1.37.0")
#: Of others: their shapes are not in Kubernetes' API.
FOREIGN: Final = {
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("keda.sh/v1alpha1", "TriggerAuthentication"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
}
#: What commands that ask a service show, and the port of the broker that a chart has not.
NOT_OF_WORKERS: Final = {"token", "access_key_id", "access_key_secret", "kafka_port"}
README: Final = (CHART / "README.md").read_text("utf-8")
PAGE: Final = (ROOT / "docs" / "kubernetes.md").read_text("utf-8")


def each(*kinds: str) -> list[Any]:
    return [pytest.param(values, id=name) for name, values in VALUES.items() if not kinds or name in kinds]


def secret_settings() -> set[str]:
    """Settings that nobody should read."""
    return {
        name
        for name, field in Settings.model_fields.items()
        if any(
            isinstance(it, type) and issubclass(it, SecretStr)
            for it in (field.annotation, *typing.get_args(field.annotation))
        )
    }


def variables(manifests: list[dict[str, Any]]) -> set[str]:
    """Names of all variables that a worker gets, those from a Secret that the chart makes among them."""
    found = {it["name"] for _, container in containers(manifests) for it in container["env"]}
    for _, container in containers(manifests):
        found |= environment(manifests, container).keys()
    for secret in by_kind(manifests, "Secret").values():
        found |= secret["data"].keys()
    return found


class TestShape:
    @pytest.mark.parametrize("values", each())
    def test_it_is_linted_without_a_warning(self, values: dict[str, Any]) -> None:
        """By Helm's linter, which renders it too."""
        report = helm.lint(CHART, values, strict=True, kube_version="v1.32.0")

        assert report["errors"] == []
        assert [it for it in report["messages"] if it["severity"] > 1] == []

    @pytest.mark.parametrize("version", KUBERNETES)
    @pytest.mark.parametrize("values", each())
    def test_kubernetes_takes_every_manifest(self, values: dict[str, Any], version: str) -> None:
        """No unknown field, none missing, none of the wrong kind; and each is there once."""
        manifests = rendered(values)

        for manifest in manifests:
            schema = schema_of(version, manifest["apiVersion"], manifest["kind"])
            if (manifest["apiVersion"], manifest["kind"]) in FOREIGN:
                assert schema is None
            else:
                assert schema is not None
                schema.validate(manifest)
        names = [(it["kind"], it["metadata"]["name"]) for it in manifests]
        assert len(set(names)) == len(names)

    def test_a_field_that_is_not_kubernetes_would_be_seen(self) -> None:
        """The check above checks."""
        schema = schema_of("1.32.0", "apps/v1", "StatefulSet")
        state = one(rendered(), "StatefulSet")
        state["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}

        assert schema is not None
        assert not schema.is_valid(state)

    def test_the_default_is_small(self) -> None:
        """What needs others' kinds, but for the scaling of trainers, is turned on by its value alone."""
        kinds = sorted(it["kind"] for it in rendered())

        assert kinds == sorted(
            "ConfigMap Deployment PersistentVolumeClaim PodDisruptionBudget PodDisruptionBudget ScaledObject "
            "Service Service Service ServiceAccount StatefulSet".split()
        )

    def test_everything_can_be_turned_on(self) -> None:
        """The full values leave no part of the chart out."""
        kinds = {it["kind"] for it in rendered(FULL)}

        assert kinds >= {kind for _, kind in FOREIGN} | {"Ingress", "NetworkPolicy", "Secret"}
        assert one(rendered({"trainers": {"scaling": {"by": "metric"}}}), "HorizontalPodAutoscaler")

    @pytest.mark.parametrize("values", each())
    def test_services_find_their_pods_and_ports(self, values: dict[str, Any]) -> None:
        """Every selector fits the pods of one kind of worker, and a port's name is one that they have."""
        manifests = rendered(values)
        pods = [it["spec"]["template"] for it in manifests if it["kind"] in {"StatefulSet", "Deployment"}]

        for service in by_kind(manifests, "Service").values():
            fits = [pod for pod in pods if service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()]
            assert len(fits) == 1
            ports = {port["name"] for port in fits[0]["spec"]["containers"][0]["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
        for kind in ("PodDisruptionBudget", "NetworkPolicy"):
            for guard in by_kind(manifests, kind).values():
                selector = (guard["spec"].get("selector") or guard["spec"]["podSelector"])["matchLabels"]
                assert len([pod for pod in pods if selector.items() <= pod["metadata"]["labels"].items()]) == 1

    def test_every_value_is_told(self) -> None:
        """The README has a line on each, and the schema knows it."""
        values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
        schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))

        def leaves(at: Any, path: str = "") -> list[str]:
            if isinstance(at, dict) and at and "." not in "".join(map(str, at)) and path not in WHOLE:
                return [leaf for key, value in at.items() for leaf in leaves(value, f"{path}.{key}" if path else key)]
            return [path]

        told = set(re.findall(r"`([a-zA-Z.-]+)`", README))
        assert [leaf for leaf in leaves(values) if leaf not in told] == []
        assert set(schema["properties"]) - {"global"} == set(values)


#: Values that are taken as they are.
WHOLE: Final = {
    "state.resources",
    "trainers.resources",
    "trainers.scaling.lag",
    "monitoring.dashboard.labels",
}


class TestState:
    @pytest.mark.parametrize("values", each())
    def test_it_is_a_stateful_set_whose_rows_stay(self, values: dict[str, Any]) -> None:
        """A pod that comes back has its name and its home."""
        manifests = rendered(values)
        state = one(manifests, "StatefulSet")
        [claim] = state["spec"]["volumeClaimTemplates"]
        [(_, container)] = [it for it in containers(manifests) if it[1]["name"] == "state"]
        home = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}[claim["metadata"]["name"]]
        names = {it["name"]: it for it in container["env"]}

        assert environment(manifests, container)["TIDECAST_HOME"] == home
        assert names["POD_NAME"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
        assert names["TIDECAST_WORKER_ID"]["value"] == "$(POD_NAME)"

    @pytest.mark.parametrize("values", each())
    def test_others_reach_each_by_its_name(self, values: dict[str, Any]) -> None:
        """By the headless service, ready or not; and a worker knows the name under which it is asked."""
        manifests = rendered(values)
        state = one(manifests, "StatefulSet")
        service = by_kind(manifests, "Service")[state["spec"]["serviceName"]]
        [(_, container)] = [it for it in containers(manifests) if it[1]["name"] == "state"]
        port = environment(manifests, container)["TIDECAST_HTTP_PORT"]
        pod = f"{state['metadata']['name']}-1"
        url = environment(manifests, container)["TIDECAST_ADVERTISED_URL"]
        url = url.replace("$(POD_NAME)", pod).replace("$(POD_NAMESPACE)", RELEASE["namespace"])

        assert url == f"http://{pod}.{service['metadata']['name']}.{RELEASE['namespace']}.svc:{port}"
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["publishNotReadyAddresses"] is True
        assert [port["port"] for port in service["spec"]["ports"]] == [int(port)]
        assert url.removeprefix("http://").partition(":")[0] in own_hosts(
            Settings(advertised_url=url, http_host="0.0.0.0")
        )

    def test_everybody_may_ask_under_the_names_of_the_service(self) -> None:
        """Others are answered 421: the service's names, those of the ingress, and those that the settings add."""
        manifests = rendered(FULL)
        [(_, container)] = [it for it in containers(manifests) if it[1]["name"] == "state"]
        allowed = named_hosts(Settings(allowed_hosts=environment(manifests, container)["TIDECAST_ALLOWED_HOSTS"]))

        assert by_kind(manifests, "Service").keys() & allowed == {"forecast-tidecast"}
        assert allowed >= {"forecast.example", "forecast.inner", "forecast-tidecast.retail.svc.cluster.local"}

    @pytest.mark.parametrize("values", each("default", "full"))
    def test_probes_ask_the_addresses_of_health(self, values: dict[str, Any]) -> None:
        """Ready is who can work; alive is who serves. They ask by the pod's address, which the worker listens on."""
        manifests = rendered(values)
        [(_, state)] = [it for it in containers(manifests) if it[1]["name"] == "state"]
        [port] = [port["name"] for port in state["ports"]]
        probes = {kind: state[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}

        assert {kind: probe["path"] for kind, probe in probes.items()} == {
            "startup": "/healthz",
            "liveness": "/healthz",
            "readiness": "/readyz",
        }
        assert {probe["path"] for probe in probes.values()} == set(health.DOOR.prefixes)
        assert {probe["port"] for probe in probes.values()} == {port}
        assert [it["containerPort"] for it in state["ports"]] == [
            int(environment(manifests, state)["TIDECAST_HTTP_PORT"])
        ]
        assert listens_everywhere(environment(manifests, state)["TIDECAST_HTTP_HOST"])


class TestTrainers:
    @pytest.fixture
    async def consumed(self, tmp_path: Path) -> tuple[str, set[str]]:
        """The group of a trainer of the full installation, and the topics that it works on."""
        settings = Settings(home=tmp_path, topic_prefix="retail.", group_prefix="retail-")
        trainer = apps.create_trainer(settings, "127.0.0.1:1").app
        return trainer.conf.id, {name for agent in trainer.agents.values() for name in agent.get_topic_names()}

    async def test_kedas_lag_is_that_of_the_trainers_group(self, consumed: tuple[str, set[str]]) -> None:
        """On all topics that trainers work on, at the same brokers, shown who asks in the same way."""
        manifests = rendered(FULL)
        scaled = one(manifests, "ScaledObject")["spec"]
        group, topics = consumed
        asked = [trigger["metadata"] for trigger in scaled["triggers"]]

        assert scaled["scaleTargetRef"]["name"] == one(manifests, "Deployment")["metadata"]["name"]
        assert scaled["maxReplicaCount"] == FULL["kafka"]["partitions"]
        assert {trigger["type"] for trigger in scaled["triggers"]} == {"kafka"}
        assert {it["topic"] for it in asked} == topics
        assert {it["consumerGroup"] for it in asked} == {group}
        assert {it["bootstrapServers"] for it in asked} == {FULL["kafka"]["bootstrapServers"]}
        assert {(it["sasl"], it["tls"]) for it in asked} == {("scram_sha512", "enable")}
        assert {it["authenticationRef"]["name"] for it in scaled["triggers"]} == set(
            by_kind(manifests, "TriggerAuthentication")
        )

    async def test_the_figure_is_that_of_the_trainers_group(self, consumed: tuple[str, set[str]]) -> None:
        """Where Prometheus is asked instead."""
        scaling = {"trainers": {"scaling": {"by": "metric", "min": 0, "max": 5}}}
        scaler = one(
            rendered({**scaling, "kafka": {"topicPrefix": "retail.", "groupPrefix": "retail-"}}),
            "HorizontalPodAutoscaler",
        )
        labels = [it["external"]["metric"]["selector"]["matchLabels"] for it in scaler["spec"]["metrics"]]
        group, topics = consumed

        assert {it["external"]["metric"]["name"] for it in scaler["spec"]["metrics"]} == {"tidecast_consumer_lag"}
        assert {it["topic"] for it in labels} == topics
        assert {it["group"] for it in labels} == {group}
        assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (1, 5)

    @pytest.mark.parametrize(("by", "replicas"), [("keda", None), ("metric", None), ("none", 3)])
    def test_an_upgrade_does_not_undo_the_scaling(self, by: str, replicas: int | None) -> None:
        """Where something scales them the manifest has no number."""
        deployment = one(rendered({"trainers": {"scaling": {"by": by}, "replicas": 3}}), "Deployment")

        assert deployment["spec"].get("replicas") == replicas

    def test_keda_shows_what_trainers_show(self) -> None:
        """The name and the password of the trainers' own variables; the certificates of their Secret."""
        manifests = rendered(FULL)
        shown = one(manifests, "TriggerAuthentication")["spec"]
        [(_, trainer)] = [it for it in containers(manifests) if it[1]["name"] == "trainer"]

        assert {it["containerName"] for it in shown["env"]} == {trainer["name"]}
        assert {it["name"] for it in shown["env"]} <= variables(manifests)
        assert {(it["parameter"], it["key"]) for it in shown["secretTargetRef"]} == {
            ("ca", "ca.crt"),
            ("cert", "tls.crt"),
            ("key", "tls.key"),
        }


class TestSettings:
    @pytest.mark.parametrize("values", each())
    def test_every_variable_of_ours_is_a_setting(self, values: dict[str, Any], tmp_path: Path) -> None:
        """With a value that the service takes."""
        manifests = rendered(values)

        for _, container in containers(manifests):
            given = environment(manifests, container)
            for secret in by_kind(manifests, "Secret").values():
                given |= {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
            ours = {
                key.removeprefix("TIDECAST_").lower(): it for key, it in given.items() if key.startswith("TIDECAST_")
            }
            for name in ours.keys() & {name for name in ours if name.endswith("_location")}:
                file = tmp_path / Path(ours[name]).name  # a setting wants it to be there
                file.touch()
                ours[name] = str(file)
            ours["worker_id"] = ours["worker_id"].replace("$(POD_NAME)", "forecast-tidecast-state-0")
            assert ours.keys() <= Settings.model_fields.keys()
            Settings(**ours)

    def test_no_setting_is_out_of_reach(self) -> None:
        """Each is a value of its own, or can be set in `settings`, or, if nobody should read it, in `secret` alone."""
        properties = json.loads((CHART / "values.schema.json").read_text("utf-8"))["properties"]
        plain, secret = (
            {name.removeprefix("TIDECAST_").lower() for name in it if name.startswith("TIDECAST_")}
            for it in (
                properties["settings"]["properties"],
                properties["secret"]["properties"]["values"]["properties"],
            )
        )
        own = {
            it.removeprefix("TIDECAST_").lower()
            for it in variables(rendered({**FULL, "settings": {}, "secret": {"existing": "s"}}))
        }
        of_workers = Settings.model_fields.keys() - NOT_OF_WORKERS

        assert secret == (secret_settings() - NOT_OF_WORKERS) - {"object_store"}
        assert plain == (of_workers - secret_settings() - own) | {"allowed_hosts"}
        assert of_workers <= plain | secret | own

    def test_numbers_are_written_as_settings_read_them(self) -> None:
        """Helm has them as floating-point numbers."""
        data = by_kind(rendered(FULL), "ConfigMap")["forecast-tidecast"]["data"]

        assert data["TIDECAST_MAX_UPLOAD_BYTES"] == "4294967296"
        assert data["TIDECAST_REQUESTS_PER_S"] == "12.5"
        assert data["TIDECAST_AUDIT"] == "true"

    def test_no_secret_is_in_clear(self) -> None:
        """But in the Secret, which every worker reads, none of them is anywhere."""
        manifests = rendered(FULL)
        secret = one(manifests, "Secret")
        values = FULL["secret"]["values"]
        others = json.dumps([it for it in manifests if it is not secret])

        assert {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} == values
        assert [name for name, value in values.items() if value in others] == []
        assert "canary" not in others
        for _, container in containers(manifests):
            assert {"secretRef": {"name": secret["metadata"]["name"]}} in container["envFrom"]
        assert "canary" not in helm.Chart.load(CHART).render(FULL, **RELEASE)["tidecast/templates/NOTES.txt"]

    def test_a_secret_of_ones_own_is_used(self) -> None:
        """And none is made."""
        manifests = rendered({"secret": {"existing": "ours"}, "auth": "token"})

        assert by_kind(manifests, "Secret") == {}
        assert all({"secretRef": {"name": "ours"}} in container["envFrom"] for _, container in containers(manifests))

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"auth": "token"}, "the same TIDECAST_ACCESS_KEY"),
            ({"auth": "tokens"}, "auth"),
            ({"kafka": {"securityProtocol": "SASL_SSL"}}, "kafka.username is missing"),
            ({"kafka": {"securityProtocol": "SASL_SSL", "username": "u"}}, "TIDECAST_KAFKA_SASL_PASSWORD is missing"),
            ({"kafka": {"username": "u"}}, "of no use with PLAINTEXT"),
            ({"kafka": {"tlsSecret": "s"}}, "of no use with PLAINTEXT"),
            ({"kafka": {"securityProtocol": "SSL", "clientCertificate": True}}, "needs kafka.tlsSecret"),
            ({"kafka": {"partitions": 65}}, "partitions"),
            ({"ingress": {"enabled": True}}, "ingress.hosts is empty"),
            ({"secret": {"existing": "s", "values": {"TIDECAST_ACCESS_KEY": "k"}}}, "not both"),
            ({"secret": {"values": {"TIDECAST_ACESS_KEY": "k"}}}, "TIDECAST_ACESS_KEY"),
            ({"settings": {"TIDECAST_TABEL_STORE": "rocksdb"}}, "TIDECAST_TABEL_STORE"),
            ({"settings": {"TIDECAST_ACCESS_KEY": "k"}}, "TIDECAST_ACCESS_KEY"),
            ({"objectStore": {"url": "s3://key:secret@bucket"}}, "url"),
            ({"trainers": {"scaling": {"lag": {"forecasts": 1}}}}, "forecasts"),
        ],
    )
    def test_what_would_not_start_or_not_protect_is_refused(self, values: dict[str, Any], words: str) -> None:
        """Where it is written, and not by a pod an hour later."""
        with pytest.raises(helm.errors.HelmError, match=re.escape(words)):
            rendered(values)


class TestImage:
    def test_it_is_that_of_the_dockerfile(self) -> None:
        """Name and release as compose has them; its user, its home and its commands as the chart uses them."""
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
        package = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
        [user] = re.findall(r"useradd --uid (\d+) --create-home tidecast", dockerfile)
        commands = {command.name or command.callback.__name__ for command in app.registered_commands}

        assert chart["version"] == chart["appVersion"] == package["version"]
        for pod, container in containers(rendered()):
            assert container["image"] == SERVICES["state"]["image"] == f"tidecast:{chart['appVersion']}"
            assert pod["securityContext"]["runAsUser"] == int(user)
            assert "USER tidecast" in dockerfile
            assert 'ENTRYPOINT ["tidecast"]' in dockerfile
            assert "command" not in container
            [command] = container["args"]
            assert command in commands
            assert f"TIDECAST_HOME={environment(rendered(), container)['TIDECAST_HOME']}" in dockerfile

    @pytest.mark.parametrize("values", each())
    def test_workers_may_as_little_as_they_need(self, values: dict[str, Any]) -> None:
        """No root, nothing of the image is written, no way to Kubernetes; and no variables that look like settings."""
        for pod, container in containers(rendered(values)):
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["automountServiceAccountToken"] is False
            assert pod["enableServiceLinks"] is False
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            written = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
            assert written >= {"/tmp", "/var/lib/tidecast"}
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}

    def test_all_workers_share_one_object_store(self) -> None:
        """A volume that many nodes write, kept when the release goes; or a bucket, and no volume."""
        manifests = rendered()
        claim = one(manifests, "PersistentVolumeClaim")

        assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
        assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        for pod, container in containers(manifests):
            [volume] = [it for it in pod["volumes"] if "persistentVolumeClaim" in it]
            [mount] = [it["mountPath"] for it in container["volumeMounts"] if it["name"] == volume["name"]]
            assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
            assert environment(manifests, container)["TIDECAST_OBJECT_STORE"] == f"file://{mount}"
        assert by_kind(rendered(FULL), "PersistentVolumeClaim") == {}


class TestMonitoring:
    def test_the_alerts_are_those_that_are_shipped(self) -> None:
        """Compose's file, word for word."""
        alerts = Path(connectors.__file__).parent / "prometheus" / "alerts.yml"

        assert one(rendered(FULL), "PrometheusRule")["spec"] == yaml.safe_load(alerts.read_text("utf-8"))

    def test_the_dashboard_is_the_one_that_is_shipped(self) -> None:
        """For Grafana's sidecar."""
        shipped = Path(connectors.__file__).parent / "grafana" / "tidecast.json"
        found = by_kind(rendered(FULL), "ConfigMap")["forecast-tidecast-dashboard"]

        assert json.loads(found["data"]["tidecast.json"]) == json.loads(shipped.read_text("utf-8"))

    def test_every_worker_is_asked_under_the_name_of_its_alerts(self) -> None:
        """Through a service that is there, at a port that it has; state workers ask who it is."""
        manifests = rendered(FULL)
        rules = json.dumps(one(manifests, "PrometheusRule"))
        [jobs] = set(re.findall(r'up\{job=~\\"(.*?)\\"\}', rules))
        asked = set()

        for monitor in by_kind(manifests, "ServiceMonitor").values():
            labels = monitor["spec"]["selector"]["matchLabels"]
            [service] = [
                it
                for it in by_kind(manifests, "Service").values()
                if labels.items() <= it["metadata"]["labels"].items()
            ]
            [endpoint] = monitor["spec"]["endpoints"]
            assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
            assert monitor["metadata"]["labels"]["release"] == "prometheus"
            renamed = {it["targetLabel"]: it["replacement"] for it in endpoint["relabelings"]}
            assert re.fullmatch(jobs, renamed["job"])
            asked.add(renamed["job"])
            if renamed["job"] == "tidecast-state":  # trainers ask nobody who it is
                assert endpoint["basicAuth"]["password"] == {"name": "metrics-user", "key": "password"}
        assert asked == {"tidecast-state", "tidecast-trainer"}


@pytest.mark.parametrize(
    "example", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL), ids=lambda text: text.split("\n")[0]
)
def test_the_examples_of_the_page_are_values(example: str) -> None:
    """As they stand there, apart from the key that is in a Secret of its own."""
    assert by_kind(rendered(yaml.safe_load(example)), "StatefulSet")
