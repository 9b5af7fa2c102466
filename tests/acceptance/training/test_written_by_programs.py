"""What programs of versions write, as bad as it may be: logs (case 58 of ecosystem.md) and event files (case 66)."""

import uuid
from typing import Any, Final

import pytest

from tests.acceptance.training.test_user_code import path_of, program
from tests.acceptance.training.training_jobs_samples import ended
from tests.integration.services import Api, Service, until
from tests.unit.connectors.metric_sources.event_samples import event, framed, simple, tensor

_AT: Final = 1_704_067_200.0
_NOISE: Final = r"""import sys
out = sys.stdout.buffer
for percent in range(101):
    out.write(b"\r%3d%% |" % percent + b"#" * percent)
out.write(b"\n\x1b[31mred\x1b[0m \xff\xfe\x00 bytes\n")
for _ in range(32):
    out.write(b"x" * (1 << 20))
out.write(b"\nEpoch 1/1 - loss: 0.25\nthe end")
"""
_COPIES: Final = """import os, pathlib, shutil
for file in pathlib.Path('.').glob('*.tfevents.*'):
    shutil.copy(file, os.environ['TIDECAST_OUTPUT'])
"""


@pytest.fixture
def api(user_code: Service) -> Api:
    """The client of the service that runs users' programs."""
    return user_code.api


def points_of(api: Api, job: dict[str, Any]) -> list[tuple[str, int, float]]:
    """Name, step and value of each, as they are read back."""
    data = api.get(f"/api/v1/workloads/tj-{job['job_id']}-{job['version_id']}/metrics/data")["data"]
    return [(point["metric_name"], point["iteration"], point["value"]) for point in data]


def test_58_a_log_is_lines_whatever_was_printed(api: Api, project: str) -> None:
    """Of a progress bar what a terminal would show, no controls, a line of 32 MB cut; what follows is read."""
    job = program(api, project, _NOISE)
    shown, path = ended(api, project, job), path_of(project, job)
    tail = api.get(f"{path}/aom-log", params={"lines": 500})
    lines = tail["content"].splitlines()

    assert (shown["status"], shown["loss"]) == (10, 0.25)
    assert sum("#" in line for line in lines) == 1, [line[:200] for line in lines]
    assert next(line for line in lines if "#" in line).startswith("100% |")
    assert any("red" in line and "\x1b" not in line for line in lines)
    assert max(map(len, lines)) < 100_000
    assert "the end" in lines
    whole, at = "", 0
    while (part := api.get(f"{path}/aom-log", params={"offset": at}))["next_offset"] > at:
        whole, at = whole + part["content"], part["next_offset"]
    assert whole.splitlines() == lines
    beyond = api.get(f"{path}/aom-log", params={"offset": at + 10**9})
    assert (beyond["content"], beyond["next_offset"]) == ("", at + 10**9)


def test_66_event_files_as_bad_as_they_may_be(api: Api, project: str) -> None:
    """Two writers, one of whom began again; a wrong checksum, a cut record, a thousand tags, a tag like a path."""
    first = [framed(event(_AT + step, step, simple("loss", step / 4))) for step in range(8)]
    spoiled = bytearray(first[4])
    spoiled[-1] ^= 0xFF
    first[4] = bytes(spoiled)
    again = [framed(event(_AT + 100 + step, step, tensor("loss", step / 8))) for step in (1, 2)]
    tags = [simple(f"layer/{number}", 1.0) for number in range(1000)]
    other = [framed(event(_AT + 200, 1, *tags, simple("a/../../b", 0.5)))]
    files = {"events.out.tfevents.1.one": first + again, "events.out.tfevents.2.two": other}
    folder = f"/uploads/{uuid.uuid4().hex}/"
    for name, records in files.items():
        cut = framed(event(_AT, 9, simple("loss", 9.0)))[:-5]
        assert api.call("PUT", folder + name, content=b"".join(records) + cut).status_code == 200
    assert api.call("PUT", f"{folder}boot.py", content=_COPIES.encode()).status_code == 200
    job = program(api, project, "", app_url=folder, boot_file_url=f"{folder}boot.py", data_url=folder)
    assert ended(api, project, job)["status"] == 10, api.get(f"{path_of(project, job)}/aom-log")["content"]
    expected = [("loss", step, step / 4) for step in range(8) if step != 4] + [("loss", 1, 0.125), ("loss", 2, 0.25)]
    until(lambda: len(points_of(api, job)) >= len(expected) + 1001, why="all points can be read")
    found = points_of(api, job)

    assert [point for point in found if point[0] == "loss"] == expected
    assert sorted(point for point in found if point[0] != "loss") == sorted(
        [("a/../../b", 1, 0.5), *((f"layer/{number}", 1, 1.0) for number in range(1000))]
    )
    available = api.get(f"/api/v1/workloads/tj-{job['job_id']}-{job['version_id']}/metrics/available")
    assert available["total_count"] == 1002
