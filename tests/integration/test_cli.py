"""The command line as people use it: the real program, against a service that `tidecast up` runs."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.integration.program import SOON_S, Home, Up
from tests.integration.services import read_all, until
from tests.workbooks import workbook

DEAD_LETTERS, JOB_COMMANDS = "tidecast.dead-letters", "tidecast.job-commands"
JOB_ID = re.compile(r"job (\d{10,})")
TRAINED_S = 180  # to train a model takes seconds, to load TensorFlow as many on a busy machine
COLUMNS = ("-t", "day", "-y", "sold", "-g", "shop")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, kafka_jars: Path) -> Iterator[Up]:
    """One service for all tests of this module."""
    with Up.running(tmp_path_factory.mktemp("cli") / "home") as running:
        yield running


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Twenty days of two shops."""
    path = tmp_path / "sales.csv"
    rows = [
        f"{shop},2020-01-{day:02},{day + extra}"
        for shop, extra in (("north", 0), ("south", 100))
        for day in range(1, 21)
    ]
    path.write_text("\n".join(["shop,day,sold", *rows]) + "\n", "utf-8")
    return path


def _job_of(text: str) -> str:
    found = JOB_ID.search(text)
    assert found is not None, text
    return found[1]


def test_forecast_prints_a_table_and_writes_file_and_picture(service: Up, sales: Path, tmp_path: Path) -> None:
    """Two models, three days ahead; the best forecast of a straight line goes on straight."""
    table, picture = tmp_path / "out.csv", tmp_path / "out.png"
    ended = service.run(
        "forecast", sales, *COLUMNS, "-m", "LinearFit", "-m", "AdaptiveMaxN", "-k", 3, "--metric", "mae",
        "-p", "LinearFit.add_std_factor=0", "--out", table, "--plot", picture,
    )  # fmt: skip
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    straight = [row for row in rows if (row["shop"], row["model"]) == ("south", "LinearFit")]

    assert ended.returncode == 0, ended.stderr
    assert re.search(r"north +LinearFit +2020-01-21 +21 +22 +23 +0 *\n", ended.stdout)
    assert "12 rows written to" in ended.stdout
    assert len(rows) == 12
    assert [(row["timestamp"], row["value"]) for row in straight] == [
        ("2020-01-21 00:00:00", "121.0"), ("2020-01-22 00:00:00", "122.0"), ("2020-01-23 00:00:00", "123.0"),
    ]  # fmt: skip
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_G11_a_file_is_read_as_it_is(service: Up, tmp_path: Path) -> None:
    """Labels with blanks are found, settings are taken, and a picture can be drawn of what only a format reads."""
    blanks, german = tmp_path / "blank.csv", tmp_path / "umsatz.csv"
    blanks.write_text("Date, Value\n" + "".join(f"2020-01-{day:02}, {day}\n" for day in range(1, 15)), "utf-8")
    days = [f"{day:02}.03.20" for day in range(1, 15)]
    german.write_text("Bericht\nTag;Größe\n" + "".join(f"{day};1.000,5\n" for day in days), "cp1252")
    first = service.run("forecast", blanks, "-t", "Date", "-y", "Value", "-k", 1)
    picture = tmp_path / "out.png"
    second = service.run(
        "forecast", german, "-t", "Tag", "-y", "Größe", "-k", 1, "--timestamp-format", "%d.%m.%y", "--plot", picture,
    )  # fmt: skip
    wrong = service.run("forecast", german, "-t", "Tag", "-y", "Größe", "--delimiter", "ab")

    assert first.returncode == 0, first.stderr
    assert "2020-01-15" in first.stdout
    assert second.returncode == 0, second.stderr
    assert "2020-03-15" in second.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert wrong.returncode != 0
    assert '--delimiter: is "ab"' in wrong.stderr


def test_each_column_of_a_wide_workbook_is_a_series(service: Up, tmp_path: Path) -> None:
    """All of them, or several targets; the file that is written names them."""
    book, wide, chosen = (tmp_path / name for name in ("book.xlsx", "wide.csv", "chosen.csv"))
    days = [datetime(2020, 1, day, tzinfo=UTC).date() for day in range(1, 21)]
    cells = [[day, day.day, day.day + 100.0, None if day.day < 5 else day.day + 200.0] for day in days]
    book.write_bytes(workbook({"Notes": [["Sales"]], "Shops": [["day", "north", "south", "east"], *cells]}))
    options = ("-t", "day", "-m", "LinearFit", "-p", "LinearFit.add_std_factor=0", "-k", 1, "--sheet", "Shops")

    first = service.run("forecast", book, "--wide", *options, "--out", wide, "--sums")
    second = service.run("forecast", book, "-y", "east", "-y", "north", *options, "--out", chosen)
    neither = service.run("forecast", book, "-t", "day")

    assert first.returncode == 0, first.stderr
    assert "2020-01-21 363" in " ".join(next(line for line in first.stdout.splitlines() if "total" in line).split())
    assert second.returncode == 0, second.stderr
    found = [
        [
            (row["series"], row["timestamp"], row["value"])
            for row in csv.DictReader(path.read_text("utf-8").splitlines())
        ]
        for path in (wide, chosen)
    ]
    assert found[0] == [
        ("north", "2020-01-21 00:00:00", "21.0"), ("south", "2020-01-21 00:00:00", "121.0"),
        ("east", "2020-01-21 00:00:00", "221.0"),
    ]  # fmt: skip
    assert found[1] == [found[0][0], found[0][2]]
    assert neither.returncode == 2
    assert "--target is missing" in neither.stderr


def test_advice_can_be_copied_as_it_stands(service: Up, sales: Path) -> None:
    """The program is named the way it was called."""
    first = service.run("forecast", sales, *COLUMNS)
    advice = re.search(r"`(.+)` shows this again", first.stderr)
    assert advice is not None, first.stderr
    copied = subprocess.run(
        advice[1], shell=True, env=service.environment, capture_output=True, text=True, check=False, timeout=SOON_S
    )

    assert copied.returncode == 0, copied.stderr
    assert copied.stdout.endswith(first.stdout)


def test_job_shows_a_job_again(service: Up, sales: Path) -> None:
    """For people as the table, for programs as JSON with the histories."""
    first = service.run("forecast", sales, *COLUMNS)
    job_id = _job_of(first.stderr)
    again = service.run("job", job_id)
    answer = json.loads(service.run("job", job_id, "--json").stdout)

    assert again.returncode == 0
    assert again.stdout.startswith(f"job {job_id}: DONE\nseries: 2 DONE\nforecasts: 2 of 2 finished\n")
    assert again.stdout.endswith(first.stdout)
    assert answer["job"]["submitted"] == 2
    assert answer["results"][0]["results"][0]["ts_history"]["sold"] == list(range(1, 21))


def test_a_job_is_shown_as_it_was(service: Up, sales: Path, tmp_path: Path) -> None:
    """Before it was, and after its end: the table, the JSON, the files of that time."""
    before, at_first = datetime.now(UTC) - timedelta(seconds=1), tmp_path / "at-first.csv"
    first = service.run("forecast", sales, *COLUMNS, "--out", at_first)
    job_id = _job_of(first.stderr)
    then, table, picture = datetime.now(UTC) + timedelta(seconds=1), tmp_path / "then.csv", tmp_path / "then.png"
    shown = service.run("job", job_id, "--as-of", then.isoformat(), "--out", table, "--plot", picture)
    answer = json.loads(service.run("job", job_id, "--as-of", f"{then:%Y-%m-%dT%H:%M:%S}", "--json").stdout)
    early = service.run("job", job_id, "--as-of", before.isoformat())

    assert shown.stdout.startswith(f"job {job_id} as of {then:%Y-%m-%d %H:%M:%S} UTC: DONE\n")
    assert first.stdout.splitlines()[:-1] == shown.stdout.splitlines()[1:-2]  # the last lines name files
    assert table.read_bytes() == at_first.read_bytes()
    assert picture.stat().st_size > 0
    assert answer["job"]["as_of"] == int(then.timestamp()) * 1000
    assert answer["results"][0]["results"][0]["ts_history"]["sold"] == list(range(1, 21))
    assert early.returncode == 1
    assert f"as_of: there was no job {job_id} at {round(before.timestamp() * 1000)}" in early.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--as-of", "noon"], "--as-of noon: is no time, write it as 2026-"),
        (["--as-of", "2026-11-28", "--wait"], "--wait is for now, --as-of for a time that is past"),
    ],
)
def test_a_wrong_time_is_wrong_usage(service: Up, arguments: list[str], words: str) -> None:
    """With the remedy; nothing is asked of the service."""
    ended = service.run("job", "7", *arguments)

    assert ended.returncode == 2
    assert words in ended.stderr


def test_a_failed_forecast_ends_with_status_one(service: Up, sales: Path) -> None:
    """Two shops in one series: the usual mistake, with its remedy."""
    ended = service.run("forecast", sales, "-t", "day", "-y", "sold")

    assert ended.returncode == 1
    assert "1 of 1 forecasts failed" in ended.stderr
    assert "--group-by COLUMN" in ended.stderr
    assert service.run("job", _job_of(ended.stderr)).returncode == 1


def test_forecasts_of_which_a_part_failed_end_with_status_three(service: Up, tmp_path: Path) -> None:
    """So that a script can use what came; the same when the job is shown again, also for programs."""
    file = tmp_path / "two.csv"
    rows = [f"2024-01-{day:02},a,{day}" for day in range(1, 21)]
    twice = ["2024-01-01,b,1"] * 2  # of one time
    file.write_text("\n".join(["day,shop,sold", *rows, *twice, ""]), "utf-8")
    ended = service.run("forecast", file, *COLUMNS, "--model", "LinearFit")
    job_id = _job_of(ended.stderr)

    assert ended.returncode == 3, ended.stderr
    assert "1 of 2 forecasts failed" in ended.stderr
    assert [service.run("job", job_id, *more).returncode for more in ((), ("--json",))] == [3, 3]
    again = service.run("forecast", file, *COLUMNS, "--model", "LinearFit", "--json")
    assert again.returncode == 3
    assert "1 of 2 forecasts failed" in again.stderr
    assert [len(one["results"]) for one in json.loads(again.stdout)["results"]] == [1, 1]


@pytest.mark.timeout(600)  # a model is trained, which takes minutes on a busy machine
def test_the_demo_uses_the_service_that_runs(service: Up, tmp_path: Path) -> None:
    """And ends well only if all 70 forecasts are there."""
    ended = service.run("demo", "--folder", tmp_path / "pictures", within=2 * TRAINED_S)
    written = sorted(path.name for path in (tmp_path / "pictures").iterdir())

    assert ended.returncode == 0, ended.stderr
    assert "70 forecasts of 35 series" in ended.stdout
    assert re.search(r"DeepAR: one network for 35 series, four weeks ahead: \d\d% of 916 values", ended.stdout)
    assert re.search(r"a PMML model as a service: 1[45]\d of 150 irises recognised; one more is setosa", ended.stdout)
    assert "starting the broker" not in ended.stderr
    assert written == ["fan-charts.png", "forecasts.csv", "forecasts.png"]


def _train(service: Up, file: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A model that is small and not good, so that it is soon there."""
    small = ("-k", 3, "--epochs", 1, "-p", "num_cells=4", "-p", "num_batches_per_epoch=2")
    return service.run("deepar", "train", file, *small, *arguments, within=TRAINED_S)


def test_D070_a_model_is_trained_and_forecasts(service: Up, sales: Path, tmp_path: Path) -> None:
    """On a CSV file, which is read the same way again; the request to paste works; as a transform job too."""
    picture, table, lines = tmp_path / "fans.png", tmp_path / "out.csv", tmp_path / "out.jsonl"
    trained = _train(service, sales, *COLUMNS)
    curl = next(line for line in trained.stdout.splitlines() if line.startswith("curl "))
    answer = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, check=True).stdout
    forecast = service.run(
        "deepar", "forecast", sales, "--endpoint", "sales", "--seed", 1, "--out", table, "--plot", picture
    )
    batch = service.run("deepar", "forecast", sales, "-e", "sales", "--batch", "--seed", 1, "--out", lines)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = service.run("deepar", "endpoints")

    assert trained.returncode == 0, trained.stderr
    assert "coverage_80" in trained.stdout
    assert len(json.loads(answer)["predictions"][0]["mean"]) == 3
    assert forecast.returncode == 0, forecast.stderr
    assert re.search(r"north +2020-01-21 ", forecast.stdout)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [row["timestamp"] for row in rows[:3]] == [f"2020-01-{day} 00:00:00" for day in (21, 22, 23)]
    assert len(rows) == 6
    assert all(float(row["0.1"]) <= float(row["0.5"]) <= float(row["0.9"]) for row in rows)
    assert batch.returncode == 0, batch.stderr
    assert [json.loads(line)["item_id"] for line in lines.read_text("utf-8").splitlines()] == ["north", "south"]
    assert re.search(r"sales +D +3 +3 +2 +- ", listed.stdout)


def test_a_training_that_fails_ends_with_status_one(service: Up, tmp_path: Path) -> None:
    """And says why."""
    file = tmp_path / "broken.jsonl"
    file.write_text('{"start": "2020-01-01", "target": [1, 2, 3, 4]}\n{"start": "soon", "target": [1]}\n', "utf-8")
    ended = _train(service, file, "--freq", "D")

    assert ended.returncode == 1
    assert "tidecast: broken failed: line 2: start is 'soon', expected YYYY-MM-DD" in ended.stderr


def test_a_training_goes_on_when_nobody_watches(service: Up, sales: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the command, not the job."""
    log = tmp_path / "train.log"
    process = service.start(
        log, "deepar", "train", sales, *COLUMNS, "--name", "unwatched", "-k", 3, "--epochs", 4, "-p", "num_cells=4",
        "-p", "num_batches_per_epoch=25",
    )  # fmt: skip
    until(lambda: "unwatched is training" in log.read_text("utf-8"), why="the job is there")
    process.send_signal(signal.SIGINT)
    status = process.wait(SOON_S)

    assert status == 130
    assert "unwatched goes on training where the service runs: `" in log.read_text("utf-8")
    until(
        lambda: "unwatched" in service.run("deepar", "endpoints").stdout,
        within=TRAINED_S,
        why="it is trained after all",
    )


def test_a_dead_letter_is_listed_shown_and_sent_again(service: Up) -> None:
    """Byte for byte; as its cause is not mended, it comes back as another one."""
    producer = Producer({"bootstrap.servers": service.notes["bootstrap"], "log_level": 0})
    producer.produce(JOB_COMMANDS, b"no \x1b[2J avro", key=b"poison")
    assert producer.flush(SOON_S) == 0
    before = until(lambda: _letters(service), why="the dead letter is there")
    (letter_id,) = before
    listed = service.run("dead-letters", "list")
    shown = service.run("dead-letters", "show", letter_id)
    requeued = service.run("dead-letters", "requeue", letter_id, letter_id)
    after = until(lambda: len(_letters(service)) > 1 and _letters(service), why="it comes back")

    assert re.search(rf"{letter_id} .* {JOB_COMMANDS} +first byte is 110, expected 0", listed.stdout)
    assert "\x1b" not in listed.stdout + shown.stdout
    assert re.search(r"key +poison *\n", shown.stdout)
    assert "not decodable: first byte is 110" in shown.stdout
    assert "000000  6e 6f 20 1b 5b 32 4a 20 61 76 72 6f" in shown.stdout
    assert (requeued.returncode, requeued.stdout) == (0, f"{letter_id} sent to {JOB_COMMANDS}\n")
    assert sorted(after.values()) == [(b"poison", b"no \x1b[2J avro")] * 2


def _letters(service: Up) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Key and value of each dead letter that a test sent."""
    return {
        f"{message.partition()}-{message.offset()}": (message.key(), message.value())
        for message in read_all(service.notes["bootstrap"], DEAD_LETTERS)
        if message.key() == b"poison"
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["forecast", "missing.csv", *COLUMNS], "missing.csv cannot be read: No such file"),
        (["forecast", "SALES", "-t", "Day", "-y", "sold"], "did you mean day?"),
        (
            ["forecast", "SALES", "-t", "shop", "-y", "sold"],
            '--timestamp: column "shop", line 2: "north" is not a date',
        ),
        (["forecast", "SALES", *COLUMNS, "-m", "linear"], "--model linear: there is no such model"),
        (["forecast", "SALES", *COLUMNS, "-k", "1001"], "--horizon: is 1001, expected 1 to 1000"),
        (
            ["forecast", "SALES", *COLUMNS, "-m", "LinearFit", "-p", "latest_n=0"],
            "--param latest_n: must be a whole number from 1",
        ),
        (["forecast", "SALES", *COLUMNS, "--plot", "a.jpg"], "end the name in one of .png, .svg, .pdf"),
        (["deepar", "train", "SALES"], "is no JSON Lines file, and to read it as CSV --timestamp COLUMN is missing"),
        (["deepar", "train", "SALES", *COLUMNS, "-p", "epoch=3"], "--param epoch: there is no such hyper-parameter"),
        (["deepar", "train", "SALES", *COLUMNS, "--name", "a b"], "--name a b: use 1 to 64 of A-Z"),
        (["deepar", "forecast", "SALES", "-e", "nobodys"], "--endpoint nobodys: "),
        (["deepar", "forecast", "SALES", "-e", "x", "-q", "2"], "--quantile 2: expected a number between 0 and 1"),
        (["deepar", "forecast", "SALES", "-e", "x", "--out", "a.txt"], "end the name in one of .jsonl, .csv"),
        (["job", "7"], "there is no job 7 at http://127.0.0.1:"),
        (["job", "7", "--url", "http://127.0.0.1:CLOSED"], "no Tidecast service answers at http://127.0.0.1:"),
        (["dead-letters", "show", "0-999999"], "there is no dead letter 0-999999"),
        (["dead-letters", "requeue", "7"], "7 is no dead letter's id"),
    ],
)
def test_wrong_input_is_refused_in_words(service: Up, sales: Path, arguments: list[str], words: str) -> None:
    """One sentence on standard error, nothing on standard output, status 1."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        port = str(closed.getsockname()[1])
        filled = [word.replace("SALES", str(sales)).replace("CLOSED", port) for word in arguments]
        ended = service.run(*filled)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("tidecast: ")
    assert words in ended.stderr


def test_a_second_service_on_one_home_is_refused(service: Up) -> None:
    """The first goes on."""
    ended = service.run("up")

    assert ended.returncode == 1
    assert ended.stderr == (
        f"tidecast: a Tidecast service runs already on {service.folder}: use it, stop it, or set TIDECAST_HOME to "
        "another folder\n"
    )
    assert service.run("job", "7").stderr.startswith("tidecast: there is no job 7")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_stops_waiting_is_told_where_the_job_is(
    service: Up, sales: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    """Ctrl-C or SIGTERM ends the command, not the job."""
    trainer = json.loads((service.folder / "workers.json").read_text("utf-8"))["trainer-1"]
    log = tmp_path / "forecast.log"
    os.kill(trainer, signal.SIGSTOP)
    try:
        process = service.start(log, "forecast", sales, *COLUMNS)
        until(lambda: "is training" in log.read_text("utf-8"), why="the job is submitted")
        process.send_signal(number)
        ended = process.wait(SOON_S)
    finally:
        os.kill(trainer, signal.SIGCONT)
    words = log.read_text("utf-8")
    job_id = _job_of(words)

    assert ended == status
    assert f"job {job_id} goes on where the service runs: `" in words
    assert "Traceback" not in words
    assert service.run("job", job_id, "--wait").stdout.startswith(f"job {job_id}: DONE")


def test_what_a_command_starts_it_stops(tmp_path: Path, kafka_jars: Path, sales: Path) -> None:
    """Also when SIGTERM comes in the middle; the next one works on the same home, and stops its own service, too."""
    home, log = Home(tmp_path / "home"), tmp_path / "forecast.log"
    process = home.start(log, "forecast", sales, *COLUMNS)
    until(home.processes, why="the broker is there")
    until(lambda: "starting trainer-1" in log.read_text("utf-8"), why="the workers are starting")
    process.terminate()
    status = process.wait(SOON_S)
    left = home.processes()
    whole = home.run("forecast", sales, *COLUMNS)

    assert (status, left) == (143, [])
    assert log.read_text("utf-8").endswith("tidecast: ended by SIGTERM\n")
    assert whole.returncode == 0, whole.stderr
    assert home.processes() == []
    assert not (home.folder / "service.json").exists()


def test_up_ends_in_order_and_finds_its_state_again(service: Up, sales: Path) -> None:
    """SIGTERM is status 0; a job is there at the next start, at the same address."""
    job_id = _job_of(service.run("forecast", sales, *COLUMNS).stderr)
    before, url = service.run("job", job_id).stdout, service.notes["url"]
    status = service.end()
    left, words = service.processes(), service.log.read_text("utf-8")
    service.up()
    after = service.run("job", job_id)

    assert (status, left) == (0, [])
    assert words.splitlines()[-1] == "stopped"
    assert service.notes["url"] == url
    assert (after.returncode, after.stdout) == (0, before)
