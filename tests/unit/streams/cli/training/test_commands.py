"""`tidecast jobs …`, against a service that is a list of answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.console.failure import CommandError
from streams.cli.main import program
from streams.cli.training import commands, version_logs
from tests.unit.streams.cli.conftest import ServiceIs

URL = "http://127.0.0.1:8080"
JOBS = "/v1/default/training-jobs"
VERSIONS = f"{JOBS}/7/versions"
Run = Callable[..., Result]


def job(**changes: Any) -> dict[str, Any]:
    made = {
        "job_id": 7, "job_name": "spots", "status": 8, "version_count": 2, "duration": 1500,
        "create_time": 1704067200000,
    }  # fmt: skip
    return {**made, **changes}


def version(number: int = 9, **changes: Any) -> dict[str, Any]:
    made = {
        "job_name": "spots", "version_id": number, "version_name": f"V000{number - 7}", "status": 10, "epoch": 3,
        "epochs": 40, "loss": 0.25, "duration": 1500, "create_time": 1704067200000, "message": "",
    }  # fmt: skip
    return {**made, **changes}


def ok(**answer: Any) -> httpx.Response:
    return httpx.Response(200, json={"is_success": True, **answer})


def listed(*jobs: Any) -> httpx.Response:
    return ok(jobs=list(jobs), job_total_count=len(jobs))


def part(text: str, end: int) -> httpx.Response:
    return ok(content=text, lines=text.count("\n"), next_offset=end)


@pytest.fixture
def sent() -> list[tuple[str, Any]]:
    """Method, path and content of what was sent."""
    return []


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, sent: list[tuple[str, Any]], service_is: ServiceIs) -> Run:
    """Run a command against these answers, by method and path; several are given one after another."""

    def run_it(answers: dict[str, Any], *words: str) -> Result:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/access/me":
                return ok(project="default")
            asked = f"{request.method} {request.url.path}"
            sent.append((asked, request.content))
            found = answers[asked]
            reply: httpx.Response = found.pop(0) if isinstance(found, list) else found
            return reply

        service_is(answer)
        for module in (commands, version_logs):
            monkeypatch.setattr(module, "_LOOK_S", 0)
        return CliRunner().invoke(program(), ["jobs", *words, "--url", URL])

    return run_it


def test_list(run: Run) -> None:
    """A job may have no version; JSON is the service's; without a terminal nothing is watched."""
    bare = {name: value for name, value in job(job_name="bare", version_count=0).items() if name != "status"}
    shown = run({f"GET {JOBS}": listed(job(), bare)}, "list", "--watch")

    assert all(word in shown.stdout for word in ("spots", "running", "1.5", "2024-01-01 00:00:00", "bare"))
    assert json.loads(run({f"GET {JOBS}": listed(job())}, "list", "--json").stdout) == [job()]


def test_list_reads_all_pages(run: Run) -> None:
    """There may be more jobs than a page has."""
    pages = [ok(jobs=[job(job_name=name)], job_total_count=2) for name in ("one", "two")]
    shown = run({f"GET {JOBS}": pages}, "list")

    assert "one" in shown.stdout
    assert "two" in shown.stdout


def test_show(run: Run) -> None:
    """By name, or by id."""
    answers = {
        f"GET {JOBS}": listed(job(job_name="spots-2", job_id=8), job()),
        f"GET {VERSIONS}": ok(versions=[version(9), version(8, status=11, message="a\nb")]),
    }
    shown = run(answers, "show", "spots").stdout
    of_id = run({**answers, f"GET {JOBS}": listed(), f"GET {JOBS}/7": ok(**job())}, "show", "7").stdout

    assert all(word in shown for word in ("V0002", "completed", "3/40", "0.25", "V0001", "failed", r"a\nb"))
    assert of_id == shown


def test_what_is_not_there(run: Run) -> None:
    """Says what there is."""
    answers = {f"GET {JOBS}": listed(job()), f"GET {VERSIONS}": ok(versions=[version(9)])}
    no_job = run(answers, "show", "spot").exception
    no_version = run(answers, "stop", "spots", "--version", "V0009").exception

    assert isinstance(no_job, CommandError)
    assert str(no_job) == "there is no job spot: tidecast jobs list shows those there are"
    assert isinstance(no_version, CommandError)
    assert str(no_version) == "spots has no version V0009; it has: V0002"


def test_logs(run: Run) -> None:
    """All parts, without what would move a terminal's cursor."""
    answers = {
        f"GET {JOBS}": listed(job()),
        f"GET {VERSIONS}": ok(versions=[version(9)]),
        f"GET {VERSIONS}/9/aom-log": [part("one\n", 4), part("\x1btwo\n", 9), part("", 9)],
    }

    assert run(answers, "logs", "spots").stdout == "one\n\\x1btwo\n"


@pytest.mark.parametrize("end", [10, 11])
def test_logs_that_are_followed(run: Run, end: int) -> None:
    """Each line once, until the version has ended; the command fails where it did."""
    answers = {
        f"GET {JOBS}": listed(job()),
        f"GET {VERSIONS}": ok(versions=[version(9)]),
        f"GET {VERSIONS}/9": [ok(**version(9, status=number, message="it broke")) for number in (7, 8, end)],
        f"GET {VERSIONS}/9/aom-log": [part("one\n", 4), part("", 4), part("two\n", 8), part("", 8)],
    }
    ran = run(answers, "logs", "-f", "spots")

    assert ran.stdout == "one\ntwo\n"
    assert (ran.exit_code, str(ran.exception)) == ((0, "None") if end == 10 else (1, "spots V0002 failed: it broke"))


def test_stop_and_delete(run: Run, sent: list[tuple[str, Any]]) -> None:
    """The newest version, the one that is named, the whole job."""
    answers = {
        f"GET {JOBS}": listed(job()),
        f"GET {VERSIONS}": ok(versions=[version(9), version(8)]),
        f"POST {VERSIONS}/9/stop": ok(),
        f"DELETE {VERSIONS}/8": ok(),
        f"DELETE {JOBS}/7": ok(),
    }
    for words in (["stop", "spots"], ["delete", "spots", "--version", "V0001"], ["delete", "spots"]):
        assert run(answers, *words).exit_code == 0

    written = [asked for asked, _ in sent if not asked.startswith("GET")]
    assert written == [f"POST {VERSIONS}/9/stop", f"DELETE {VERSIONS}/8", f"DELETE {JOBS}/7"]


def test_run_makes_a_job_or_a_version(run: Run, sent: list[tuple[str, Any]], tmp_path: Path) -> None:
    """The file is a config, or a body that has one."""
    file = tmp_path / "job.json"
    file.write_text('{"config": {"model_id": 1}}', "utf-8")
    made = run({f"GET {JOBS}": listed(), f"POST {JOBS}": ok(job_id=7, version_id=8)}, "run", "spots", str(file))
    file.write_text('{"model_id": 1}', "utf-8")
    again = run(
        {f"GET {JOBS}": listed(job()), f"POST {VERSIONS}": ok(job_id=7, version_id=9)}, "run", "spots", str(file)
    )
    bodies = [json.loads(content) for asked, content in sent if asked.startswith("POST")]

    assert (made.stdout, again.stdout) == ("7 8\n", "7 9\n")
    assert bodies == [{"job_name": "spots", "config": {"model_id": 1}}, {"config": {"model_id": 1}}]


def test_run_uploads_a_script(run: Run, sent: list[tuple[str, Any]], tmp_path: Path) -> None:
    """With its data; each content has a path of its own, so a version keeps what it was made of."""
    script, data = tmp_path / "train.py", tmp_path / "my data.csv"
    script.write_text("print(1)", "utf-8")
    data.write_text("a", "utf-8")
    code, folder = "/uploads/jobs/spots/code/d287bb7f9d15", "/uploads/jobs/spots"
    answers = {
        f"GET {JOBS}": listed(),
        f"PUT {code}/train.py": ok(),
        f"PUT {folder}/data/ca978112ca1b/my_data.csv": ok(),
        f"POST {JOBS}": ok(job_id=7, version_id=8),
    }
    words = ["run", "spots", str(script), "--data", str(data), "-p", "epochs=40", "-p", "name=NaN", "--workers", "2"]
    ran = run(answers, *words)

    assert ran.stdout == "7 8\n", ran.exception
    assert json.loads(sent[-1][1]) == {
        "job_name": "spots",
        "config": {
            "worker_server_num": 2,
            "spec_id": 1,
            "engine_id": 1,
            "app_url": f"{code}/",
            "boot_file_url": f"{code}/train.py",
            "data_url": f"{folder}/data/ca978112ca1b/my_data.csv",
            "train_url": f"{folder}/out/",
            "parameter": [{"label": "epochs", "value": 40}, {"label": "name", "value": "NaN"}],
        },
    }


def test_parameters_take_the_place_of_the_configs(run: Run, sent: list[tuple[str, Any]], tmp_path: Path) -> None:
    """Those of the same label."""
    file = tmp_path / "job.json"
    file.write_text('{"parameter": [{"label": "a", "value": 1}, {"label": "b", "value": 2}]}', "utf-8")
    run({f"GET {JOBS}": listed(), f"POST {JOBS}": ok(job_id=7)}, "run", "spots", str(file), "-p", "a=x")

    assert json.loads(sent[-1][1])["config"]["parameter"] == [
        {"label": "b", "value": 2},
        {"label": "a", "value": "x"},
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-p", "a"], "--parameter a: expected LABEL=VALUE"),
        (["--data", "x.csv"], "--data and --workers are for scripts"),
        (["--workers", "2"], "--data and --workers are for scripts"),
    ],
    ids=["parameter", "data", "workers"],
)
def test_what_does_not_go_together(run: Run, tmp_path: Path, words: list[str], said: str) -> None:
    """Is told before anything is sent."""
    (tmp_path / "job.json").write_text('{"model_id": 1}', "utf-8")
    refused = run({}, "run", "spots", str(tmp_path / "job.json"), *words).exception

    assert isinstance(refused, CommandError)
    assert said in str(refused)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_file_that_is_no_config(run: Run, tmp_path: Path, text: str) -> None:
    """Is named."""
    file = tmp_path / "job.json"
    file.write_text(text, "utf-8")
    refused = run({}, "run", "spots", str(file)).exception

    assert isinstance(refused, CommandError)
    assert "job.json" in str(refused)


@pytest.mark.parametrize("words", [("no.py",), ("here.py", "--data", "no.csv"), ("no.json",)], ids=" ".join)
def test_run_looks_for_its_files_first(
    run: Run, sent: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Before anything is asked of a service, which may have to be started for it."""
    monkeypatch.chdir(tmp_path)
    Path("here.py").write_text("", "utf-8")
    done = run({}, "run", "spots", *words)

    assert isinstance(done.exception, CommandError)
    assert f"{words[-1]} cannot be read: No such file" in str(done.exception)
    assert sent == []


def test_a_script_is_not_sent_to_a_service_that_would_not_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none runs, and one that is started for the command has programs of users off: none is started."""
    (tmp_path / "a.py").write_text("", "utf-8")
    monkeypatch.setenv("TIDECAST_HOME", str(tmp_path))
    monkeypatch.delenv("TIDECAST_USER_CODE", raising=False)
    ended = CliRunner().invoke(program(), ["jobs", "run", "spots", str(tmp_path / "a.py")])

    assert isinstance(ended.exception, CommandError)
    assert "TIDECAST_USER_CODE=process" in str(ended.exception)


def test_what_was_done_as_json(run: Run, tmp_path: Path) -> None:
    """The service's answers; of what is not followed the ids are known at once."""
    (tmp_path / "job.json").write_text('{"model_id": 1}', "utf-8")
    answers = {
        f"GET {JOBS}": listed(),
        f"POST {JOBS}": ok(job_id=7, version_id=8),
        f"GET {VERSIONS}": ok(versions=[version(9)]),
        f"POST {VERSIONS}/9/stop": ok(error_msg=""),
        f"DELETE {JOBS}/7": ok(error_msg=""),
    }
    made = run(answers, "run", "spots", str(tmp_path / "job.json"), "--json")
    answers[f"GET {JOBS}"] = listed(job())
    done = [run(answers, word, "spots", "--json") for word in ("stop", "delete")]

    assert json.loads(made.stdout) == {"is_success": True, "job_id": 7, "version_id": 8}
    assert [json.loads(one.stdout) for one in done] == [{"is_success": True, "error_msg": ""}] * 2
    assert [run(answers, word, "spots").stdout for word in ("stop", "delete")] == [
        "spots V0002 is being stopped\n",
        "spots is removed\n",
    ]


@pytest.mark.parametrize("end", [10, 11])
def test_a_job_that_is_followed_as_json(run: Run, tmp_path: Path, end: int) -> None:
    """The document is how it ended; the log goes to standard error, and so does the failure, with its status."""
    (tmp_path / "job.json").write_text('{"model_id": 1}', "utf-8")
    answers = {
        f"GET {JOBS}": listed(),
        f"POST {JOBS}": ok(job_id=7, version_id=9),
        f"GET {VERSIONS}/9": [ok(**version(9, status=number)) for number in (7, 8, end)],
        f"GET {VERSIONS}/9/aom-log": [part("one\n", 4), part("", 4), part("two\n", 8), part("", 8)],
    }
    ended = run(answers, "run", "spots", str(tmp_path / "job.json"), "--follow", "--json")

    assert json.loads(ended.stdout) == {"is_success": True, **version(9, status=end)}
    assert ended.stderr == "one\ntwo\n"
    assert ended.exit_code == (0 if end == 10 else 1)
