"""The walk-throughs of the documentation, exactly as they are printed there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.program import Up
from tests.integration.services import running_service

_ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"<!-- tested: .*? -->\n```bash\n(.*?)```", re.DOTALL)


def _blocks(page: str) -> list[str]:
    return _BLOCK.findall((_ROOT / page).read_text("utf-8"))


def test_the_first_job_of_the_readme_works_as_printed(tmp_path: Path) -> None:
    """Copied and pasted, the commands end with the results of two models, a week ahead."""
    blocks = _blocks("README.md")
    assert len(blocks) == 1

    with running_service(tmp_path) as service:
        script = blocks[0].replace("http://127.0.0.1:8080", service.stack.url)
        ran = subprocess.run(["bash", "-euc", script], cwd=_ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    # The last line, which nothing ends, is the answer of the last command; it begins behind those before it.
    answer, _ = json.JSONDecoder().raw_decode(ran.stdout, ran.stdout.rindex('{"status":3'))
    results = answer["results"][0]["results"]
    assert [result["model_name"] for result in results] == ["LinearFit", "AdaptiveMaxN"]
    assert [len(result["predictions"]) for result in results] == [7, 7]
    assert results[0]["timestamps"][0] == "2014-01-01 00:00:00"
    assert set(results[1]["metrics"]) == {"mae", "mase", "smape"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder that looks to the commands like the repository, and may be written to."""
    folder = tmp_path / "copy"
    (folder / ".venv").mkdir(parents=True)
    for part in ("bin", "lib", "pyvenv.cfg"):  # the latter two are how its Python finds its packages
        (folder / ".venv" / part).symlink_to(Path(sys.prefix) / part)
    (folder / "examples").symlink_to(_ROOT / "examples")
    return folder


def test_the_examples_of_files_and_dates_print_what_is_said(tmp_path: Path, copy: Path, kafka_jars: Path) -> None:
    """A file of a spreadsheet over HTTP, a wide file, and hours that summer time repeats on the command line."""
    service = Up(tmp_path / "home")
    service.up()
    try:
        spreadsheet, wide, hours, features, what_if = (
            subprocess.run(
                ["bash", "-euc", block.replace("http://127.0.0.1:8080", service.notes["url"])],
                cwd=copy, env=os.environ | service.environment, capture_output=True, text=True, check=False,
            )
            for block in (
                *_blocks("docs/files-and-dates.md"), *_blocks("docs/features.md"), *_blocks("docs/what-if.md"),
            )
        )  # fmt: skip
    finally:
        service.end()
    promised, known, asked = (
        re.findall(r"^    (\S.*)$", (_ROOT / page).read_text("utf-8"), re.MULTILINE)
        for page in ("docs/files-and-dates.md", "docs/features.md", "docs/what-if.md")
    )

    assert spreadsheet.returncode == hours.returncode == 0, spreadsheet.stderr + hours.stderr
    assert wide.returncode == 0, wide.stderr
    assert spreadsheet.stdout.rstrip().endswith(promised[0])
    assert "\nB\n" in spreadsheet.stdout
    rows = [line.split(",") for line in (copy / "next.csv").read_text("utf-8").splitlines()[1:]]
    assert [",".join(row[2:4]) for row in rows][:3] == promised[-3:]
    assert wide.stdout.splitlines() == promised[1:-3]
    assert features.returncode == 0, features.stderr
    assert features.stdout.splitlines()[-3:] == known[:3]
    assert what_if.returncode == 0, what_if.stderr
    assert what_if.stdout.splitlines()[-3:] == asked
    assert (copy / "cheaper.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.timeout(600)  # two models are trained, which takes minutes on a busy machine
def test_the_walk_through_of_deepar_works_as_printed(tmp_path: Path, copy: Path, kafka_jars: Path) -> None:
    """By the command line: forecasts, fan charts and an answer over HTTP. By HTTP alone: a file of predictions."""
    by_command, by_http = _blocks("docs/deepar.md")
    service = Up(tmp_path / "home")
    service.up()
    try:
        first, second = (
            subprocess.run(
                ["bash", "-euc", block.replace("http://127.0.0.1:8080", service.notes["url"])],
                cwd=copy, env=os.environ | service.environment, capture_output=True, text=True, check=False,
            )
            for block in (by_command, by_http)
        )  # fmt: skip
    finally:
        service.end()

    assert first.returncode == 0, first.stderr
    answer, _ = json.JSONDecoder().raw_decode(first.stdout, first.stdout.rindex('{"predictions":'))
    forecasts = [json.loads(line) for line in (copy / "flights.jsonl").read_text("utf-8").splitlines()]
    assert {name: len(values) for name, values in answer["predictions"][0]["quantiles"].items()} == {
        "0.1": 28,
        "0.9": 28,
    }
    assert len(forecasts) == 35
    assert forecasts[0]["start"] == "2014-01-01 00:00:00"
    assert (copy / "flights.png").read_bytes().startswith(b"\x89PNG")
    assert second.returncode == 0, second.stderr
    predictions = [json.loads(line) for line in (copy / "predictions.jsonl").read_text("utf-8").splitlines()]
    assert second.stdout.endswith("35\n")
    assert [set(one) for one in predictions] == [{"mean"}] * 35
    assert all(len(one["mean"]) == 14 for one in predictions)


@pytest.mark.timeout(400)  # scikit-learn, Java and a service start, which takes its time on a busy machine
def test_irises_in_five_minutes_work_as_printed(tmp_path: Path, copy: Path, kafka_jars: Path) -> None:
    """A model of PMML by the command line, one of ONNX over HTTP; it is gone in the end."""
    service = Up(tmp_path / "home")
    service.up()
    try:
        by_command, by_http, served, scored = [
            subprocess.run(
                ["bash", "-euc", block.replace("http://127.0.0.1:8080", service.notes["url"])],
                cwd=copy, env=os.environ | service.environment, capture_output=True, text=True, check=False,
            )
            for block in _blocks("docs/model-service.md")
        ]  # fmt: skip
    finally:
        service.end()
    (promised,) = re.findall(r"^    (\S.*)$", (_ROOT / "docs/model-service.md").read_text("utf-8"), re.MULTILINE)

    assert by_command.returncode == by_http.returncode == 0, by_command.stderr + by_http.stderr
    assert by_command.stdout.splitlines()[-1].startswith(promised)
    uploaded, listed, variables, tested, removed = map(json.loads, by_http.stdout.splitlines())
    assert uploaded["data"]["task"] == "clustering"
    assert [one["name"] for one in listed["data"]["modelList"]] == ["groups", "iris"]
    assert variables["data"]["inputVariables"] == [{"name": "X", "type": "tensor(float)", "shape": [None, 4]}]
    assert len({one["cluster"] for one in tested["data"]["result"]}) == 2
    assert removed == {"data": {"status": True}}
    assert (served.returncode, scored.returncode) == (0, 0), served.stderr + scored.stderr
    assert json.loads(served.stdout.splitlines()[-1])["data"]["result"][0]["label"] == "virginica"
    header, *rows = scored.stdout.splitlines()[-3:]
    assert header.split(",")[4] == "label"
    assert [row.split(",")[4] for row in rows] == ["setosa", "virginica"]
