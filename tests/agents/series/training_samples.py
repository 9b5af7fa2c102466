"""What tests of training are made of."""

import math
from typing import Any

from hypothesis import strategies as st

from agents.series.training import answer_commands
from connectors.kafka.publisher import Record
from schemas.series import SeriesResult, TrainSeries
from streams.runtime import TrainerRuntime
from streams.settings import Settings
from streams.telemetry.counters import Metrics
from streams.topics import Topics
from tests.agents.bench import CODEC, FakePublisher, message, of

HISTORY = [
    int(value)
    for value in (
        "227 246 247 249 255 249 246 228 246 246 245 249 235 233 224 230 261 238 242 266 258 226 233 242 236 236 233"
        " 260 219 230 235 237 226 227 226 221 222 227"
    ).split()
]
DAY = 86_400_000
HOUR = 3_600_000
START = 1_596_240_000_000  # 2020-08-01
TOPICS = Topics(Settings(topic_prefix=""))
SAMPLE = TrainSeries(
    job_id=7,
    ts_id=8797,
    n=3,
    attempt=1,
    item_id="('asiasoutheast', 'FS')",
    model_name="AdaptiveMaxN",
    config={"latest_n": 5},
    next_k_prediction=5,
    eval_metrics=("mse", "rmse"),
    start=START,
    step=DAY,
    target=HISTORY,
)


class Store:
    """Keeps what is put there."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put_bytes(self, key: str, content: bytes) -> None:
        """Keep it."""
        self.files[key] = content


class Stub:
    """What `answer_commands` uses of a runtime."""

    dead_letter = TrainerRuntime.dead_letter
    metrics = Metrics()
    store = Store()

    codec = CODEC
    topics = TOPICS
    settings = Settings(max_next_k_prediction=50)
    publisher = FakePublisher()


def answer(*commands: TrainSeries | bytes | None) -> list[Record]:
    """The records for a batch of commands."""
    runtime: Any = Stub()
    return answer_commands(runtime, [consumed(command, offset) for offset, command in enumerate(commands)])


def consumed(command: Any, offset: int = 0) -> Any:
    """The message that carries a command."""
    plain = command is None or isinstance(command, bytes)
    value = command if plain else CODEC.encode(command)
    key = b"1" if plain else b"%d" % command.ts_id
    return message("series-commands", key, value, partition=2, offset=offset)


def results(records: list[Record]) -> list[SeriesResult]:
    """The results among the records."""
    return of(records, TOPICS.job_results)


histories = st.lists(st.one_of(st.integers(-5, 300), st.floats(allow_subnormal=True)), max_size=30)
commands = st.builds(
    TrainSeries,
    job_id=st.integers(1, 9),
    ts_id=st.integers(1, 9),
    n=st.integers(0, 9),
    model_name=st.sampled_from(["LinearFit", "AdaptiveMaxN", "AdaptiveAverageN", "Prophet"]),
    start=st.integers(-(2**63), 2**63 - 1) | st.just(START),
    step=st.integers(-(2**63), 2**63 - 1) | st.just(DAY),
    target=histories,
    config=st.sampled_from([{}, {"latest_n": 3}, {"latest_n": 2.0}, {"latest_n": "3"}, {"latest_n": math.nan}]),
    next_k_prediction=st.integers(-1, 55),
    eval_metrics=st.lists(st.sampled_from(["mse", "r2", "mase", "r2_score", "nonsense"]), max_size=4),
    refit=st.booleans(),
    timestamps=st.one_of(
        st.just(()),
        st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
        st.integers(1, 30).map(lambda count: [START + DAY * day for day in range(count)]),
    ),
)
