"""What works in the caller's own project without being told its name: commands, and answers that are followed."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.acceptance.access.conftest import People
from tests.integration.services import Service


def test_commands_of_training_jobs_ask_for_the_callers_project(guarded: Service, people: People) -> None:
    """Somebody of another project than `default` need not name it; who names one that is not his is told so."""
    tidecast = str(Path(sys.executable).parent / "tidecast")
    environment = os.environ | {"TIDECAST_HOME": str(guarded.settings.home), "TIDECAST_TOKEN": people.token("bob")}

    def ran(*options: str) -> subprocess.CompletedProcess[str]:
        command = [tidecast, "jobs", "list", "--json", *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    own, named, other = ran(), ran("--project", "p2"), ran("--project", "p1")

    assert (own.returncode, json.loads(own.stdout)) == (0, [])
    assert (named.returncode, json.loads(named.stdout)) == (0, [])
    assert other.returncode == 1
    assert "there is no project p1 that you belong to" in other.stderr


def test_a_watch_shows_what_its_caller_may_see_and_ends_with_the_token(people: People) -> None:
    """Lists and what has a state can be watched; the stream ends when its token is void."""
    token = people.token("vic")
    with httpx.stream(
        "GET",
        f"{people.url}/watch",
        params=[("path", "/job/"), ("path", "/access/me")],
        headers={"X-Auth-Token": token},
        timeout=30,
    ) as refused:
        assert refused.status_code == 400
    with httpx.stream(
        "GET", f"{people.url}/watch", params={"path": "/job/"}, headers={"X-Auth-Token": token}, timeout=30
    ) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        data = next(line for line in lines if line.startswith("data:"))
        told = json.loads(data.removeprefix("data:"))
        assert (told["path"], told["status"]) == ("/job/", 200)
        gone = {"X-Auth-Token": token, "X-Subject-Token": token}
        assert httpx.delete(f"{people.url}/v3/auth/tokens", headers=gone, timeout=30).status_code == 204
        later = []
        with contextlib.suppress(httpx.RemoteProtocolError):  # how a stream ends that is cut off
            later += [line for line in lines if line.startswith("data:") and json.loads(line[5:])["status"] == 200]
        assert len(later) <= 1  # it may have been on its way
    assert people.client().get("/watch", params={"path": "/job/"}).status_code == 401
