"""The reader of `.wandb` files: every row of the history, whatever is wrong in between or not written yet."""

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.metric_sources.source_points import SourcePoint
from connectors.metric_sources.wandb_files import NotWandbError, WandbFile
from connectors.metric_sources.wandb_rows import BadRowError, points_of_row, row_of
from tests.unit.connectors.metric_sources.event_samples import chunk, varint
from tests.unit.connectors.metric_sources.wandb_samples import BLOCK, HEADER, history, log_of, run


def read_all(file: WandbFile) -> list[SourcePoint]:
    found = []
    while points := file.read_new():
        found += points
    return found


def written(folder: Path, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "run-abc.wandb"
    path.write_bytes(content)
    return path


def test_rows_become_points_in_their_order(tmp_path: Path) -> None:
    """M-061: one row, several points of equal time and step; dictionaries inside as a.b; only numbers."""
    rows = [history(3, 1704067200.1234, loss=0.5, nested={"a": {"b": 1}}, text="x", ok=True, bad=float("nan"), l=[1],
                    picture={"_type": "histogram", "bins": 1})]  # fmt: skip
    file = WandbFile(written(tmp_path, log_of([run("abc", "my run"), chunk(99, b"unknown"), *rows])))

    assert read_all(file) == [
        ("loss", 0.5, 1704067200123, 3),
        ("nested.a.b", 1.0, 1704067200123, 3),
        ("bad", None, 1704067200123, 3),
    ]
    assert (file.run_id, file.name, file.rows) == ("abc", "my run", 1)
    assert file.problems.count == 0


def test_values_of_newer_clients_are_read(tmp_path: Path) -> None:
    """As numbers instead of JSON, and with the parts of a nested key."""
    items = [
        chunk(1, b"n") + b"\x28" + varint(7),  # sint64: -4
        chunk(1, b"x") + b"\x31" + struct.pack("<d", 0.25),
        chunk(2, b"a") + chunk(2, b"b") + chunk(16, b"2"),
        chunk(1, b"_timestamp") + chunk(16, b"1.5"),
    ]
    record = chunk(2, b"".join(chunk(1, item) for item in items) + chunk(2, b"\x08\x09"))

    assert read_all(WandbFile(written(tmp_path, log_of([record])))) == [
        ("n", -4.0, 1500, 9),
        ("x", 0.25, 1500, 9),
        ("a.b", 2.0, 1500, 9),
    ]


def _sample() -> tuple[bytes, list[tuple[str, float, int, int]]]:
    """Rows of which some reach over blocks, one over three of them."""
    sizes = [10, 200, 30_000, 10, 2 * BLOCK + 100, 10, 31_000, 10, BLOCK - 300] + [50] * 30
    rows = [history(n, 100.0 + n, loss=n / 2, text="x" * size) for n, size in enumerate(sizes)]
    return log_of([run("abc", "name"), *rows]), [("loss", n / 2, (100 + n) * 1000, n) for n in range(len(sizes))]


WHOLE, POINTS = _sample()


@given(cuts=st.lists(st.integers(0, len(WHOLE)), max_size=5))
def test_a_file_that_grows_gives_each_point_once(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    """Wherever it is cut while it is read: never a wrong point, and the rest arrives later."""
    path = written(tmp_path_factory.mktemp("grows"), b"")
    file = WandbFile(path)
    found = []
    for cut in [*sorted(cuts), len(WHOLE)]:
        path.write_bytes(WHOLE[:cut])
        found += read_all(file)

    assert found == POINTS
    assert file.problems.count == 0


@given(place=st.integers(7, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_never_makes_a_wrong_point(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    """It costs what is in its block at most, and it is told, unless it lies between the records."""
    content = bytearray(WHOLE)
    content[place] ^= 1 << bit
    file = WandbFile(written(tmp_path_factory.mktemp("flipped"), bytes(content)))
    found = read_all(file)

    assert [point for point in POINTS if point in found] == found
    assert file.problems.count or found in (POINTS, POINTS[:-1])


def test_what_follows_a_wrong_record_is_read(tmp_path: Path) -> None:
    """One checksum is wrong: one row is missing, and the sentence says where."""
    content = bytearray(log_of([history(n, 1.0, loss=n) for n in range(3)]))
    content[len(content) // 2] ^= 0xFF
    file = WandbFile(written(tmp_path, bytes(content)))

    assert [point.iteration for point in read_all(file)] == [0, 2]
    assert file.problems.count == 1
    assert "checksum" in file.problems.words[0]


def test_67_a_row_of_ten_megabytes_and_what_nobody_knows_cost_no_other_row(tmp_path: Path) -> None:
    """Its numbers are read; a file that is cut in the middle of a block gives what is before the cut."""
    large = history(2, 1.0, loss=2, note="x" * 10_000_000)
    rows = [history(1, 1.0, loss=1), chunk(99, b"of a later client"), large, history(3, 1.0, loss=3)]
    content = log_of(rows)
    whole, cut = WandbFile(written(tmp_path, content)), WandbFile(written(tmp_path / "cut", content[:-20]))

    assert [(point.iteration, point.value) for point in read_all(whole)] == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert [point.iteration for point in read_all(cut)] == [1, 2]


def test_a_row_without_a_time_is_left_out_and_told(tmp_path: Path) -> None:
    """No point can be made of it."""
    row = chunk(2, chunk(1, chunk(1, b"loss") + chunk(16, b"1")))
    file = WandbFile(written(tmp_path, log_of([row, history(1, 1.0, loss=2)])))

    assert [point.value for point in read_all(file)] == [2.0]
    assert "_timestamp" in file.problems.words[0]


def test_another_file_is_refused_and_an_empty_one_waits(tmp_path: Path) -> None:
    """By its first bytes, as soon as they are there."""
    assert WandbFile(written(tmp_path, HEADER[:5])).read_new() == []
    with pytest.raises(NotWandbError, match="does not begin"):
        WandbFile(written(tmp_path, b"PK\x03\x04 and so on")).read_new()
    with pytest.raises(NotWandbError, match="version 9"):
        WandbFile(written(tmp_path, HEADER[:6] + b"\x09")).read_new()


@pytest.mark.parametrize(
    "row",
    [
        {}, {"_step": 1}, {"_timestamp": 1.0}, {"_timestamp": "x", "_step": 1},
        {"_timestamp": float("nan"), "_step": 1}, {"_timestamp": 1.0, "_step": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_row_must_say_when_it_was_written(row: dict[str, Any]) -> None:
    """Its time in seconds and its step."""
    with pytest.raises(BadRowError):
        points_of_row({"loss": 1.0, **row})


def test_rows_are_json_with_bare_words() -> None:
    """As the client writes them over HTTP; other texts are refused in words."""
    row = row_of('{"a":NaN,"b":Infinity,"c":"-Infinity","d":1e400,"_step":0,"_timestamp":1}')

    assert [point.value for point in points_of_row(row)] == [None] * 4
    for text in ("[1]", "{", "[" * 100_000, ""):
        with pytest.raises(BadRowError):
            row_of(text)


SCRIPT = """
import wandb
run = wandb.init(project="demo", name="my run")
for step in range(300):
    run.log({"train/loss": 1 / (step + 1), "nested": {"a": step}, "nan": float("nan"), "text": "x" * 500})
run.finish()
"""


@pytest.mark.slow
def test_the_stock_client_writes_what_is_read(tmp_path: Path) -> None:
    """Offline, 300 rows over several blocks."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path),
        "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false", "WANDB_RUN_ID": "stock1",
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", SCRIPT], env=environment, check=True, timeout=120)
    (path,) = tmp_path.rglob("*.wandb")
    file = WandbFile(path)
    points = read_all(file)

    assert (file.run_id, file.name, file.rows) == ("stock1", "my run", 300)
    by_name: dict[str, list[tuple[int, float | None]]] = {}
    for point in points:
        by_name.setdefault(point.metric_name, []).append((point.iteration, point.value))
    assert by_name == {
        "train/loss": [(step, 1 / (step + 1)) for step in range(300)],
        "nested.a": [(step, float(step)) for step in range(300)],
        "nan": [(step, None) for step in range(300)],
    }
    assert file.problems.count == 0
