"""Files that attack: each ends as a refusal in its own process, and the worker does not notice (faults 47 to 50)."""

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from schemas.scoring import AddModel
from streams.errors import RejectedError
from streams.scoring.models import key_of
from streams.scoring.processes import Inspectors
from streams.scoring.state import ScoringState
from streams.settings import Settings
from tests.agents.bench import Worker
from tests.iris_models import model_file
from tests.unit.models.scoring.onnx_makers import external, loop, with_shape

LIMIT_S = 10.0
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
TREE = model_file("iris_tree.pmml").decode()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Limits that are reached in a test."""
    return settings.model_copy(
        update={
            "max_model_inspection_s": LIMIT_S,
            "scoring_memory_bytes": 1024 * 1024**2,
            "max_model_bytes": 8 * 1024**2,
        }
    )


@pytest.fixture
async def worker(state: Worker) -> AsyncIterator[Worker]:
    """A worker."""
    yield state
    await ScoringState.of(state.runtime).close()


@pytest.fixture
def listener() -> Iterator[tuple[int, list[object]]]:
    """A port, and who has connected to it."""
    seen: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        end = threading.Event()

        def listen() -> None:
            while not end.is_set():
                try:
                    seen.append(server.accept()[1])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], seen
        end.set()
        thread.join()


async def refusal(worker: Worker, content: bytes, kind: str, **changed: str) -> RejectedError:
    """Why the file is refused."""
    path = f"producer/hostile.{kind}"
    worker.runtime.store.put_bytes(path, content)
    sent = replace(AddModel("c-1", "hostile", path), **changed)
    topic = worker.runtime.topics.model_commands
    with worker.runtime.waiters.waiting(sent.command_id) as outcome:
        await worker.consume(topic, worker.message(topic, b"hostile", sent))
        with pytest.raises(RejectedError) as caught:
            await outcome
    assert ScoringState.of(worker.runtime).models.get(key_of("hostile")) is None
    return caught.value


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (f'{HEAD}<!DOCTYPE PMML><PMML version="4.4"/>', "DOCTYPE"),
        (f'{HEAD}<!DOCTYPE PMML [<!ENTITY x SYSTEM "http://127.0.0.1:PORT/leak">]><PMML>&x;</PMML>', "DOCTYPE"),
        (f'{HEAD}<!DOCTYPE PMML SYSTEM "http://127.0.0.1:PORT/own.dtd"><PMML/>', "DOCTYPE"),
        (f'{HEAD}<!DOCTYPE PMML [<!ENTITY x SYSTEM "file:///etc/passwd">]><PMML>&x;</PMML>', "DOCTYPE"),
        (f'{HEAD}<!DOCTYPE PMML [<!ENTITY l0 "ha">{LAUGHS}]><PMML>&l9;</PMML>', "DOCTYPE"),
        ('<?xml version="1.0" encoding="UTF-7"?><PMML/>', "cannot be read"),
        (f'{HEAD}<PMML version="4.4" a="{"x" * 7_000_000}"/>', "DataDictionary is missing"),
        (f"{HEAD}{'<a>' * 500_000}{'</a>' * 500_000}", "root element is a"),
        (TREE.replace('version="4.4"', 'version="9.9"'), "version is '9.9'"),
        (TREE.replace("DataDictionary", "Dictionary"), "DataDictionary is missing"),
        (TREE.replace('<DataField name="petal_width"', '<DataField name="other"'), "petal_width"),
        (TREE.replace("MiningSchema", "Schema"), "MiningSchema of TreeModel is missing"),
        (TREE.replace('operator="lessOrEqual"', 'operator="nearly"'), "cannot be loaded"),
        (TREE[: len(TREE) // 2], "no well-formed XML"),
    ],
    ids=[
        "doctype",
        "http entity",
        "http dtd",
        "file entity",
        "laughs",
        "utf-7",
        "attribute",
        "deep",
        "version",
        "dictionary",
        "field",
        "schema",
        "operator",
        "truncated",
    ],
)
async def test_47_48_hostile_pmml(
    worker: Worker, listener: tuple[int, list[object]], document: str, words: str
) -> None:
    """A 400 that names the element, soon, and nobody was connected to."""
    port, seen = listener
    begun = time.monotonic()
    error = await refusal(worker, document.replace("PORT", str(port)).encode(), "pmml")

    assert (error.status, error.code) == (400, "bad_model")
    assert words in error.message, error.message
    assert time.monotonic() - begun < LIMIT_S
    assert seen == []


@pytest.mark.parametrize("location", ["../../../etc/passwd", "/etc/passwd", "weights.bin"])
@pytest.mark.parametrize(
    "where", ["initializer", "sparse initializer", "constant", "sparse constant", "subgraph", "function"]
)
async def test_49_data_outside_of_the_file(worker: Worker, where: str, location: str) -> None:
    """Refused wherever it is said, and wherever it leads."""
    if location != "../../../etc/passwd" and where != "initializer":
        pytest.skip("the place decides nothing: one of them is enough")
    error = await refusal(worker, external(location, where), "onnx")

    assert (error.status, error.code) == (400, "bad_model")
    assert "outside of the file" in error.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (model_file("iris_tree.onnx")[:-100], "not a whole one"),
        (b"", "no ONNX model"),
        (b"PK\x03\x04" + b"\0" * 1000, "no ONNX model"),
        (model_file("iris_tree.onnx").replace(b"TreeEnsembleClassifier", b"TreeEnsembleClassifyer"), "TreeEnsemble"),
        (model_file("iris_tree.onnx").replace(b"ai.onnx.ml", b"ai.mine.ml"), "ai.mine.ml"),
        pytest.param(loop(10**9), "within", marks=pytest.mark.slow),
        (with_shape(2**31), "memory"),
    ],
    ids=["truncated", "empty", "zip", "operator", "domain", "loop", "shape"],
)
async def test_50_hostile_onnx(worker: Worker, content: bytes, words: str) -> None:
    """A 400, from the reader, the engine, the clock or the limit of memory."""
    error = await refusal(worker, content, "onnx")

    assert (error.status, error.code) == (400, "bad_model")
    assert words in error.message, error.message


async def test_54_a_killed_inspection_is_a_refusal_and_the_next_goes_on(
    worker: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a model that kills its process."""
    with monkeypatch.context() as patched:
        patched.setattr("streams.scoring.processes.INSPECT", "tests.agents.scoring.dying:inspect")
        dying = Inspectors(settings)
        patched.setattr(ScoringState.of(worker.runtime).inspectors, "look", dying.look)
        error = await refusal(worker, model_file("iris_tree.onnx"), "onnx")
        await dying.close()
    assert "the process that looked at it ended" in error.message

    topic = worker.runtime.topics.model_commands
    sent = AddModel("c-2", "fine", "producer/hostile.onnx")
    await worker.consume(topic, worker.message(topic, b"fine", sent))
    assert ScoringState.of(worker.runtime).models.get(key_of("fine")) is not None
