"""Where services are said to answer (contract S-050, S-051), and the variables that this and limits come from."""

from pathlib import Path

import httpx
import pytest

from streams.settings import Settings
from streams.views.application import create_http
from streams.workers import apps


async def told(host: str) -> str:
    """The address that the deployment page is told by a worker with the environment's settings, asked under `host`."""
    state = apps.create_state(Settings(), "127.0.0.1:1")
    transport = httpx.ASGITransport(create_http(state))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        answer = (await client.get("/model-deploy-service")).json()["data"]["restfulUrl"]
    assert isinstance(answer, str)
    return answer


async def test_S051_scheme_host_and_port_come_from_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the request came; it ends in a slash."""
    monkeypatch.setenv("TIDECAST_HOME", str(tmp_path))
    monkeypatch.setenv("TIDECAST_PUBLIC_URL", "https://forecast.example:8443")

    assert await told("127.0.0.1:8080") == "https://forecast.example:8443/api/v1/scv/pmml/"


async def test_S051_without_it_they_are_those_of_the_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which has reached the service under them."""
    monkeypatch.setenv("TIDECAST_HOME", str(tmp_path))
    monkeypatch.delenv("TIDECAST_PUBLIC_URL", raising=False)

    assert await told("127.0.0.1:8123") == "http://127.0.0.1:8123/api/v1/scv/pmml/"


@pytest.mark.parametrize(
    ("variable", "value", "setting", "means"),
    [
        ("PUBLIC_URL", "https://a.example", "public_url", "https://a.example"),
        ("HTTP_HOST", "0.0.0.0", "http_host", "0.0.0.0"),
        ("HTTP_PORT", "9000", "http_port", 9000),
        ("OBJECT_STORE", "memory://models", "object_store_url", "memory://models"),
        ("MAX_MODEL_BYTES", "1000000", "max_model_bytes", 1_000_000),
        ("MAX_BODY_BYTES", "2048", "max_body_bytes", 2048),
        ("MAX_REPLICAS", "3", "max_replicas", 3),
        ("REMOTE_DATASET_HOSTS", "a.example", "remote_dataset_hosts", "a.example"),
        ("SERVER_VERSIONS", "3.9, 3.12", "environments", ["3.9", "3.12"]),
        ("SCORING_TIMEOUT_S", "5", "scoring_timeout_s", 5.0),
        ("SCORING_ANSWERS_KEPT_S", "60", "scoring_answers_kept_s", 60.0),
    ],
)
def test_S121_variables(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, setting: str, means: object
) -> None:
    """Addresses, where models lie, sizes, replicas, hosts of data sets, versions and times."""
    monkeypatch.setenv(f"TIDECAST_{variable}", value)

    assert getattr(Settings(), setting) == means
