"""`tidecast metrics import` and `follow` against a service that keeps what it is sent."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from streams.cli.service.client import ServiceClient
from streams.cli.service.refusals import ServiceAwayError
from streams.cli.service.session import Session
from streams.cli.workloads import sending
from tests.unit.connectors.metric_sources.event_samples import event, event_file, framed, simple, tensor
from tests.unit.connectors.metric_sources.wandb_samples import history, log_of, run


class Kept:
    """A service: points by workload, each once; it refuses names with a blank at their end."""

    def __init__(self) -> None:
        self.points: dict[str, dict[Any, dict[str, Any]]] = {}
        self.sent = 0
        self.requests = 0
        self.most = 100_000

    def answer(self, request: httpx.Request) -> httpx.Response:
        found = re.fullmatch(r"/api/v1/workloads/([A-Za-z0-9._:-]+)/metrics", request.url.path)
        if found is None:
            return httpx.Response(400, json={"code": "RequestParameterInvalid", "message": "workload_uid is wrong"})
        data = json.loads(request.content)["data"]
        self.requests += 1
        if len(data) > self.most:
            return httpx.Response(413, json={"code": "X", "message": "the body is too large"})
        for index, point in enumerate(data):
            if point["metric_name"].endswith(" "):
                return httpx.Response(400, json={"code": "X", "message": f"data[{index}], metric_name: ends blank"})
        self.sent += len(data)
        rows = self.points.setdefault(found[1], {})
        for point in data:
            key = (point["metric_name"], point["data_source"], point["iteration"], point["timestamp"])
            rows.setdefault(key, point)
        return httpx.Response(202, json={"accepted": len(data)})

    def of(self, uid: str) -> list[tuple[Any, ...]]:
        return [
            (p["metric_name"], p["value"], p["iteration"], p["timestamp"], p["data_source"])
            for p in self.points.get(uid, {}).values()
        ]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """The service that the commands find."""
    service = Kept()

    @contextmanager
    def session(*_: object) -> Iterator[Session]:
        with ServiceClient("http://127.0.0.1:1", transport=httpx.MockTransport(service.answer)) as client:
            yield Session(client, watch=lambda: None, embedded=False)

    monkeypatch.setattr(sending, "open_session", session)
    monkeypatch.setattr(sending, "find_service", lambda *_: "http://127.0.0.1:1")
    return service


def tidecast(*words: object, status: int = 0) -> str:
    """What the command prints, without line ends; CommandErrors as their text."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if status:
        assert result.exception is not None
        return str(result.exception)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_folder_of_event_files_is_imported_and_again(kept: Kept, tmp_path: Path) -> None:
    """Its runs are the beginnings of names; a second time adds nothing."""
    event_file(tmp_path / "logs" / "train", [event(1704067200.0, 1, tensor("epoch_loss", 0.5), simple("lr", 0.25))])
    event_file(tmp_path / "logs" / "validation", [event(1704067200.0, 1, tensor("epoch_loss", 0.75))])
    first = tidecast("metrics", "import", tmp_path / "logs")
    once = kept.of("logs")
    tidecast("metrics", "import", tmp_path / "logs")

    assert "3 points of 3 metrics to workload logs" in first
    assert once == kept.of("logs") == [
        ("train/epoch_loss", 0.5, 1, 1704067200000, "tensorflow"),
        ("train/lr", 0.25, 1, 1704067200000, "tensorflow"),
        ("validation/epoch_loss", 0.75, 1, 1704067200000, "tensorflow"),
    ]  # fmt: skip


def test_forms_are_found_out(kept: Kept, tmp_path: Path) -> None:
    """By name and beginning; each file is a workload of its own."""
    (tmp_path / "run.wandb").write_bytes(log_of([run("abc123", "n"), history(2, 1704067200.5, loss=0.5)]))
    (tmp_path / "train.log").write_text(
        "2024-01-01T00:00:00Z step 3: loss=0.25\nnothing\n2024-01-01T00:00:01Z step 4 loss=nan"
    )
    (tmp_path / "points.csv").write_text(
        "metric_name,value,timestamp,iteration,data_source\ntrain/loss,1.5,1704067200000,1,wandb\nx,,1704067200000,1,log\n"
    )
    (tmp_path / "keras.csv").write_text("epoch,accuracy,loss\n0,0.5,1.25\n1,0.75,NA\n")
    (tmp_path / "points.jsonl").write_text(
        '{"metric_name": "a", "value": 1, "timestamp": 1704067200000, "iteration": 5}\n{"metric_name": "a"}\n'
    )
    told = tidecast("metrics", "import", *sorted(tmp_path.iterdir()), "--started", "2024-01-01T00:00:00Z")

    assert kept.of("run-abc123") == [("loss", 0.5, 2, 1704067200500, "wandb")]
    assert kept.of("train.log") == [
        ("loss", 0.25, 3, 1704067200000, "log"),
        ("loss", None, 4, 1704067201000, "log"),
    ]
    assert kept.of("points.csv") == [
        ("train/loss", 1.5, 1, 1704067200000, "wandb"),
        ("x", None, 1, 1704067200000, "log"),
    ]
    assert kept.of("keras.csv") == [
        ("accuracy", 0.5, 0, 1704067200000, "log"),
        ("loss", 1.25, 0, 1704067200000, "log"),
        ("accuracy", 0.75, 1, 1704067200001, "log"),
    ]
    assert kept.of("points.jsonl") == [("a", 1.0, 5, 1704067200000, "log")]
    assert "1 left out" in told
    assert "line 2: timestamp is missing" in told


def test_workload_form_and_pattern_can_be_given(kept: Kept, tmp_path: Path) -> None:
    """And what they are not is said at once."""
    path = tmp_path / "strange.csv"
    path.write_text("it 7 L 0.5\n")
    tidecast(
        "metrics", "import", path, "-w", "mine-1", "--source-form", "log",
        "--pattern", r"it (?P<step>\d+) L (?P<l>\S+)", "--started", "2024-01-01 00:00:00Z",
    )  # fmt: skip

    assert kept.of("mine-1") == [("l", 0.5, 7, 1704067200000, "log")]
    assert "look-around" in tidecast("metrics", "import", path, "--source-form", "log", "--pattern", "(?=x)", status=1)
    assert "there are tensorboard, wandb" in tidecast("metrics", "import", path, "--source-form", "x", status=1)
    assert "--started" in tidecast("metrics", "import", path, "--started", "soon", status=1)
    assert "is not there" in tidecast("metrics", "import", tmp_path / "no", status=1)
    assert "no event files" in tidecast("metrics", "import", tmp_path, status=1)


def test_what_the_service_refuses_is_left_out_and_told(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other points of the batch arrive."""
    monkeypatch.setattr(sending, "_BATCH", 10)
    events = [event(1704067200.0, n, simple("bad " if n % 7 == 3 else "good", n)) for n in range(40)]
    told = tidecast("metrics", "import", event_file(tmp_path, events), "-w", "w")

    assert [iteration for _, _, iteration, _, _ in kept.of("w")] == [n for n in range(40) if n % 7 != 3]
    assert "34 points" in told
    assert "6 left out" in told
    assert "bad at step 3" in told


def test_a_metric_whose_name_is_refused_costs_no_other_its_points(kept: Kept, tmp_path: Path) -> None:
    """However many it has: one request finds it out."""
    events = [event(1704067200.0 + n, n, simple("bad ", 1.0), simple("good", n)) for n in range(8000)]
    told = tidecast("metrics", "import", event_file(tmp_path, events), "-w", "w")

    assert len(kept.of("w")) == 8000
    assert "8,000 left out" in told
    assert "bad at step 0, and all its other points: data[0], metric_name: ends blank" in told
    assert kept.requests <= 6


def test_a_service_that_takes_little_gets_little_at_a_time(kept: Kept, tmp_path: Path) -> None:
    """Until it takes it."""
    kept.most = 60
    tidecast(
        "metrics", "import", event_file(tmp_path, [event(1.7e9, n, simple("loss", n)) for n in range(500)]), "-w", "w"
    )

    assert [iteration for _, _, iteration, _, _ in kept.of("w")] == list(range(500))
    assert kept.sent == 500


def test_a_file_is_followed_until_nothing_comes(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut in the middle of a record at first; the end comes while it is followed."""
    whole = b"".join(framed(event(1704067200.0, n, simple("loss", n))) for n in range(10))
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(whole[:-5])
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        path.write_bytes(whole)

    monkeypatch.setattr(sending, "_POLL_S", 0.0)
    monkeypatch.setattr(sending.time, "sleep", pause)
    told = tidecast("metrics", "follow", path, "-w", "w", "--until-idle", "0.2")

    assert len(kept.of("w")) == 10
    assert kept.sent == 10
    assert "10 points" in told
    assert waited


def test_a_file_without_metrics_is_told(kept: Kept, tmp_path: Path) -> None:
    """It may be of another form."""
    (tmp_path / "a.txt").write_text("hello\n")

    assert "no metrics that are known, read as log" in tidecast("metrics", "import", tmp_path / "a.txt")
    assert kept.points == {}


def test_a_file_that_fails_holds_up_no_other(kept: Kept, tmp_path: Path) -> None:
    """Told is what was imported and what was not; the status says whether anything was."""
    good, wrong = tmp_path / "points.jsonl", tmp_path / "run-1.wandb"
    good.write_text('{"metric_name": "a", "value": 1, "timestamp": 1704067200000, "iteration": 5}\n')
    wrong.write_bytes(b"no such file")
    missing = tmp_path / "missing.csv"

    told = CliRunner().invoke(app, ["metrics", "import", *map(str, (missing, wrong, good)), "--json"])

    assert getattr(told.exception, "status", None) == 3
    assert str(told.exception) == "2 of 3 files were not imported"
    document = json.loads(told.stdout)
    assert [one["points"] for one in document["imported"]] == [1]
    assert [(one["path"], one["points"]) for one in document["failed"]] == [(str(missing), 0), (str(wrong), 0)]
    assert "is not there" in document["failed"][0]["error"]
    assert "is not there" in " ".join(told.stderr.split())

    nothing = CliRunner().invoke(app, ["metrics", "import", str(missing), str(wrong), "--json"])
    assert getattr(nothing.exception, "status", None) == 1
    assert [len(found) for found in json.loads(nothing.stdout).values()] == [0, 2]
    one = CliRunner().invoke(app, ["metrics", "import", str(wrong), "--json"])
    assert (str(one.exception), one.stdout) == (document["failed"][1]["error"], "")


def test_once_the_service_is_away_no_other_file_is_tried(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have failed for the same reason; what was sent before is told."""
    files = [tmp_path / f"{number}.jsonl" for number in range(3)]
    for file in files:
        file.write_text('{"metric_name": "a", "value": 1, "timestamp": 1704067200000, "iteration": 5}\n')
    write, written = ServiceClient.write, []

    def away(client: ServiceClient, method: str, path: str, **more: Any) -> Any:
        written.append(path)
        if len(written) > 1:
            raise ServiceAwayError("it answers no more")
        return write(client, method, path, **more)

    monkeypatch.setattr(ServiceClient, "write", away)
    told = CliRunner().invoke(app, ["metrics", "import", *map(str, files), "--json"])

    assert getattr(told.exception, "status", None) == 3
    assert len(written) == 2
    document = json.loads(told.stdout)
    assert [len(document["imported"]), len(document["failed"])] == [1, 2]
    assert {one["error"] for one in document["failed"]} == {"it answers no more"}


def test_what_was_imported_as_json(kept: Kept, tmp_path: Path) -> None:
    """One document for all files, with what was left out; followed, one of the file."""
    (tmp_path / "points.jsonl").write_text(
        '{"metric_name": "a", "value": 1, "timestamp": 1704067200000, "iteration": 5}\n{"metric_name": "a"}\n'
    )
    (tmp_path / "empty.csv").write_text("epoch,loss\n")
    files = [str(tmp_path / name) for name in ("points.jsonl", "empty.csv")]
    imported = CliRunner().invoke(app, ["metrics", "import", *files, "--json"])
    words = ["metrics", "follow", files[0], "--workload", "w", "--until-idle", "0.1", "--json"]
    followed = CliRunner().invoke(app, words)
    first, second = json.loads(imported.stdout)["imported"]

    assert first == {
        "path": files[0],
        "source_form": "jsonl",
        "workload_uid": "points.jsonl",
        "points": 1,
        "metrics": ["a"],
        "left_out": 1,
        "reasons": [f"{files[0]}, line 2: timestamp is missing; it is left out"],
    }
    assert (second["points"], second["metrics"]) == (0, [])
    assert "has no metrics that are known" in " ".join(imported.stderr.split())
    assert json.loads(followed.stdout) == {**first, "workload_uid": "w"}
