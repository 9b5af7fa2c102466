"""What a service with passwords in its settings prints and answers, while what they are for is away."""

from pathlib import Path

import httpx
import pytest

from streams.settings import SecretUrl
from streams.workers.stack import StackError
from tests.integration.services import running_service, until

CANARY = "c4n4ry"


def printed(home: Path) -> str:
    """All that the processes of a service wrote, in their logs and elsewhere."""
    texts = [path.read_text("utf-8", errors="replace") for path in home.rglob("*.log*") if path.is_file()]
    return "\n".join(texts)


def test_no_password_is_told_while_redis_is_away(tmp_path: Path) -> None:
    """In logs, figures and documents; the log does say what is away."""
    with running_service(tmp_path, redis_url=SecretUrl(f"redis://:{CANARY}@127.0.0.1:1/0")) as service:
        until(lambda: "online_store_away" in printed(tmp_path) or None, why="the log tells that Redis is away")
        with httpx.Client(base_url=service.stack.url, timeout=30) as client:
            told = [client.get(path).text for path in ("/metrics", "/asyncapi.json", "/openapi.json", "/readyz")]

    assert CANARY not in "\n".join([*told, printed(tmp_path)])


def test_no_password_is_told_where_the_registry_does_not_answer(tmp_path: Path) -> None:
    """A worker cannot start then; its error names the registry without the password."""
    url = SecretUrl(f"http://user:{CANARY}@127.0.0.1:1")
    with pytest.raises(StackError) as failed, running_service(tmp_path, registry_url=url):
        pass

    text = f"{failed.value}\n{printed(tmp_path)}"
    assert CANARY not in text
    assert "the schema registry at http://user:***@127.0.0.1:1 does not answer" in text
