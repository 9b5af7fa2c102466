"""The Helm chart as the tests read it: rendered by Helm's own engine, checked by Kubernetes' own schemas."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml

import connectors

# Its engine is a library that is not made for every system (pyproject.toml).
helm = pytest.importorskip("helm_python")

__all__ = ["CHART", "FULL", "RELEASE", "by_kind", "containers", "environment", "helm", "one", "rendered", "schema_of"]

CHART: Final = Path(connectors.__file__).parent / "kubernetes" / "tidecast"
RELEASE: Final = {"name": "forecast", "namespace": "retail"}
#: Everything that can be turned on is on.
FULL: Final[dict[str, Any]] = {
    "image": {"repository": "registry.example/tidecast", "tag": "0.1.0-1"},
    "imagePullSecrets": [{"name": "registry"}],
    "kafka": {
        "bootstrapServers": "kafka-0.kafka:9093,kafka-1.kafka:9093",
        "securityProtocol": "SASL_SSL",
        "username": "tidecast",
        "tlsSecret": "kafka-tls",
        "clientCertificate": True,
        "topicPrefix": "retail.",
        "groupPrefix": "retail-",
        "partitions": 12,
    },
    "auth": "token,ak-sk",
    "objectStore": {"url": "s3://forecasts/retail", "endpoint": "http://minio:9000", "region": "eu-central-1"},
    "settings": {
        "TIDECAST_TABLE_STORE": "rocksdb",
        "TIDECAST_MAX_UPLOAD_BYTES": 4 * 1024**3,
        "TIDECAST_REQUESTS_PER_S": 12.5,
        "TIDECAST_AUDIT": True,
        "TIDECAST_ALLOWED_HOSTS": "forecast.inner",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    },
    "secret": {
        "values": {
            "TIDECAST_ACCESS_KEY": "canary-of-the-access-key-0123456789",
            "TIDECAST_KAFKA_SASL_PASSWORD": "canary-of-the-brokers",
            "TIDECAST_REDIS_URL": "redis://:canary-of-redis@redis:6379/0",
            "AWS_SECRET_ACCESS_KEY": "canary-of-the-bucket",
        }
    },
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/tidecast"}},
    "state": {"replicas": 3, "storage": {"storageClass": "fast"}, "nodeSelector": {"disk": "ssd"}},
    "trainers": {
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "podAnnotations": {"team": "retail"},
        "affinity": {"podAntiAffinity": {}},
    },
    "service": {"annotations": {"team": "retail"}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "0"},
        "hosts": ["forecast.example"],
        "tlsSecret": "forecast-tls",
    },
    "networkPolicy": {
        "enabled": True,
        "from": [{"namespaceSelector": {"matchLabels": {"team": "retail"}}}],
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "egress": [{"ports": [{"port": 9093}, {"port": 53, "protocol": "UDP"}]}],
    },
    "monitoring": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "basicAuthSecret": "metrics-user"},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
        "dashboard": {"enabled": True},
    },
}


@cache
def _chart() -> Any:
    return helm.Chart.load(CHART)


def rendered(values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The manifests that an installation with these values consists of."""
    values = values or {}
    _chart().validate_schema(values)  # as install and template do
    files = _chart().render(values, **RELEASE)
    return [
        manifest
        for name, text in files.items()
        if name.endswith(".yaml")
        for manifest in yaml.safe_load_all(text)
        if manifest is not None
    ]


def by_kind(manifests: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Those of a kind, by name."""
    return {it["metadata"]["name"]: it for it in manifests if it["kind"] == kind}


def one(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The only one of its kind."""
    [found] = by_kind(manifests, kind).values()
    return found


def containers(manifests: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each pod's spec with each container of it."""
    for manifest in manifests:
        if manifest["kind"] in {"StatefulSet", "Deployment"}:
            pod = manifest["spec"]["template"]["spec"]
            for container in pod["containers"]:
                yield pod, container


def environment(manifests: list[dict[str, Any]], container: dict[str, Any]) -> dict[str, str]:
    """The variables that a container has, but for those that a Secret gives it."""
    found: dict[str, str] = {}
    for source in container["envFrom"]:
        if "configMapRef" in source:
            found |= by_kind(manifests, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    return found | {it["name"]: it["value"] for it in container["env"] if "value" in it}


@cache
def _definitions(version: str) -> tuple[Path, Any]:
    # Its own checker would need packages that no test has; the schemas are files.
    [package] = find_spec("kubernetes_validate").submodule_search_locations  # type: ignore[union-attr,misc]
    folder = Path(package) / "kubernetes-json-schema" / f"v{version}-local-strict"
    return folder, json.loads((folder / "_definitions.json").read_bytes())


@cache
def schema_of(version: str, api: str, kind: str) -> jsonschema_rs.Validator | None:
    """What Kubernetes of that version takes of such a manifest, unknown fields refused; None if it is not its own."""
    folder, definitions = _definitions(version)
    group, _, name = api.rpartition("/")
    file = folder / "-".join(filter(None, (kind.lower(), group.partition(".")[0], f"{name}.json")))
    if not file.exists():
        return None
    return jsonschema_rs.validator_for(
        json.loads(file.read_bytes()), base_uri="file:///schema.json", retriever=lambda _: definitions
    )
