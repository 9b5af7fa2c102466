"""Scripts: valid Python, whatever the names are, that reads a data set as it is written (S-090, S-091, S-101)."""

import ast
import csv
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from connectors.csv_files.inspection import opened_csv
from connectors.datasets import manifests as datasets
from connectors.datasets.manifests import Dataset, Origin
from connectors.datasets.number_formats import number_formats
from connectors.objects.store import ObjectStore
from schemas.scoring_jobs import GenerateScript
from streams.scoring_jobs.inputs import read_as_numbers
from streams.scoring_jobs.programs import likely_inputs, program

COMMAND = GenerateScript("c", "s", "in.csv", "out.csv")
ROWS = "x;y;name\n1,5;0,5;a\n?;1,5;b\n1.000,25;2.000,5;c\n"


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("in.csv", content)
    return packed.getvalue()


def variable(name: str, kind: str = "double", shape: Any = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "shape": shape}


def model(*variables: dict[str, Any], name: str = "m") -> dict[str, Any]:
    return {"name": name, "model_type": "pmml", "inputs": list(variables)}


def dataset(folder: Path, name: str, content: bytes) -> Dataset:
    """Kept in a store, as an upload is."""
    file = folder / name
    file.write_bytes(content)
    kind = datasets.kind_of(name)
    told: dict[str, Any] = {"data_id": 1, "name": "in", "file_name": name, "related_user": 1}
    told |= {"time_created": datasets.datetime.now().astimezone(), "origin": Origin(kind=kind)}
    store = ObjectStore(f"file://{folder / 'store'}")
    if kind != "csv":
        return datasets.register(store, datasets.unread(file), **told)
    with opened_csv(file) as table:
        return datasets.register(store, table, **told)


def script(folder: Path, command: GenerateScript, made: Dataset, known: dict[str, Any]) -> str:
    """The text, as the state makes it."""
    inputs = likely_inputs(made, known["inputs"])
    formats = number_formats(ObjectStore(f"file://{folder / 'store'}"), made, read_as_numbers(inputs))
    return program(command, made, known, inputs, formats)


class Service:
    """Answers what the script asks; the model doubles x."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.added = b""

    def ask(self, path: str, body: bytes | None = None, kind: str = "") -> Any:
        if path.startswith("/uploads/"):
            return io.BytesIO(self.content)
        if path == "/model-test":
            records = json.loads(body or b"")["data"]["X"]
            result = [{"prediction": None if it["x"] is None else 2 * it["x"], "confidence": None} for it in records]
            return io.BytesIO(json.dumps({"data": {"result": result}}).encode())
        assert (path, kind.partition(";")[0]) == ("/add-dataset", "multipart/form-data")
        self.added = (body or b"").rpartition(b"octet-stream\r\n\r\n")[2].partition(b"\r\n--")[0]
        return io.BytesIO()


def run(code: str, service: Service) -> None:
    names: dict[str, Any] = {"__name__": "script"}
    exec(compile(code, "script.py", "exec"), names)
    names["ask"] = service.ask
    names["write"](names["score"]())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.csv", ROWS.encode()),
        ("in.csv", ROWS.encode("utf-16")),
        ("in.csv.gz", gzip.compress(ROWS.encode())),
        ("in.zip", zipped(ROWS.encode())),
        ("in.csv", b"x,name\n1.5,a\n?,b\n1000.25,c\n"),
        ("in.jsonl", b'{"x": 1.5, "name": "a"}\n{"x": "?", "name": "b"}\n\n{"x": "1000.25", "name": "c"}\n'),
        ("in.json", b'[{"x": 1.5, "name": "a"}, {"x": "?", "name": "b"}, {"x": 1000.25, "name": "c"}]'),
    ],
    ids=["semicolons", "utf-16", "gzip", "zip", "plain", "lines", "array"],
)
def test_it_reads_predicts_and_writes(tmp_path: Path, name: str, content: bytes) -> None:
    """Each row with its result, the wrong one with an error."""
    service = Service(content)
    command = GenerateScript("c", "s", name, "out.csv")
    run(script(tmp_path, command, dataset(tmp_path, name, content), model(variable("x"))), service)
    rows = list(csv.DictReader(io.StringIO(service.added.decode(), newline="")))

    assert [row["name"] for row in rows] == ["a", "b", "c"]
    assert [row["prediction"] for row in rows] == ["3.0", "", "2000.5"]
    assert [bool(row["error"]) for row in rows] == [False, True, False]


def test_each_column_is_read_as_it_is_written(tmp_path: Path) -> None:
    """The sign between the thousands of one was taken out of the other: 0.5 was asked as 5."""
    content = "x;money;name\n0.5;1.234,50;a\n0.25;\u22127.000,25;b\n1.75;x;c\n".encode()
    made = dataset(tmp_path, "in.csv", content)
    names: dict[str, Any] = {"__name__": "script"}
    exec(compile(script(tmp_path, COMMAND, made, model(variable("x"), variable("money"))), "script.py", "exec"), names)
    rows = list(csv.DictReader(io.StringIO(content.decode()), delimiter=";"))

    assert [names["record"](row) for row in rows[:2]] == [
        {"x": 0.5, "money": 1234.5},
        {"x": 0.25, "money": -7000.25},
    ]
    with pytest.raises(ValueError, match="money: found 'x'"):
        names["record"](rows[2])


def test_names_with_all_that_python_knows(tmp_path: Path) -> None:
    """Columns are text; nothing of a user's becomes code."""
    column = 'x"\'\\ {y} """ # \u2028'
    quoted = column.replace('"', '""')
    made = dataset(tmp_path, "in.csv", f'"{quoted}",b\n1,2\n'.encode())
    code = script(tmp_path, COMMAND, made, model(variable(column), variable("b")))
    assigned = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(code).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "INPUTS"
    }

    assert assigned == {"INPUTS": {column: ("number", [column], True), "b": ("number", ["b"], True)}}


def test_a_tensor_reads_the_columns_that_a_run_reads(tmp_path: Path) -> None:
    """They are named in the script."""
    made = dataset(tmp_path, "in.csv", b"note,a,b\nn,1,2\n")
    code = script(tmp_path, COMMAND, made, model(variable("X", "tensor(float)", [-1, 2])))

    assert "'X': ('number', ['a', 'b'], False)" in code
