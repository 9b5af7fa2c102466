"""What a case asks of the service: jobs whose every submission is remembered, to be compared with the log later."""

from collections.abc import Sequence

import numpy as np

from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus
from streams.topics import Topics
from tests.faults.history import RecordingApi
from tests.faults.log import ends
from tests.faults.seen import Asked
from tests.integration.services import READY_S, Tail, csv_of, until

__all__ = ["Job", "csv_of_values"]


def csv_of_values(values: Sequence[float], points: int = 20) -> bytes:
    """A CSV file as of `csv_of`, whose series are constant: the tests' models do what the value says."""
    days = [str(day) for day in np.arange("2020-01-01", points, dtype="datetime64[D]")]
    rows = (f"s{number},{day},{value}" for number, value in enumerate(values) for day in days)
    return "\n".join(("group,day,value", *rows)).encode()


class Job:
    """One job under fire: what was asked of it, and how many distinct answers are in the log so far."""

    def __init__(
        self, api: RecordingApi, bootstrap: str, topics: Topics, *, csv: bytes, codec: Codec | None = None
    ) -> None:
        self.api = api
        self.job_id, self.ts_ids = api.new_job(csv)
        self.submissions: list[tuple[int, str]] = []  # by n: series and model
        self.ends_as = CmdStatus.DONE
        self.commands_removed = False  # from the log, so that not all of them can be found there
        self._bootstrap = bootstrap
        self._topics = topics
        self._tail = Tail(bootstrap, topics.job_results, topics.partitions)
        self._seen = 0
        self._answered: set[int] = set()
        self.answered_series: list[int] = []  # in the order of the log, repeats among them
        self._codec = codec or Codec()

    @classmethod
    def of_series(cls, api: RecordingApi, bootstrap: str, topics: Topics, *, series: int, points: int = 30) -> "Job":
        """A job with so many random series."""
        return cls(api, bootstrap, topics, csv=csv_of(series, points))

    @property
    def asked(self) -> Asked:
        """What the judge compares with."""
        return Asked(self.job_id, self.ts_ids, tuple(self.submissions), self.ends_as, self.commands_removed)

    def submit(self, models: Sequence[str] = ("LinearFit",), *, ts_ids: Sequence[int] | None = None) -> None:
        """Ask for every series once per model; returns when the service has said that it will."""
        chosen = self.ts_ids if ts_ids is None else ts_ids
        self.api.train(self.job_id, chosen, models)
        self.submissions += [(ts_id, model) for model in models for ts_id in chosen]

    def answered(self) -> int:
        """Distinct answers in the log so far."""
        messages = self._tail.poll()
        for message in messages[self._seen :]:
            if message.key() == b"%d" % self.job_id and message.value() is not None:
                result = self._codec.decode(message.value())
                self._answered.add(result.n)
                self.answered_series.append(result.ts_id)
        self._seen = len(messages)
        return len(self._answered)

    def all_answered(self) -> int:
        """Distinct answers in the log to its end as it is now: after a kill, what the dead had still written."""
        topic = self._topics.job_results
        missing = ends(self._bootstrap, [topic])
        while True:
            self.answered()
            for message in self._tail.messages:
                at = (topic, message.partition())
                if message.offset() + 1 >= missing.get(at, 0):
                    missing.pop(at, None)
            if not any(missing.values()):
                return self.answered()

    def wait_for_more(self, than: int, *, within: float = READY_S) -> int:
        """Wait until more answers are in the log; how many there are then."""
        return until(lambda: self.answered() > than and self.answered(), within=within, why="an answer more")

    def close(self) -> None:
        """Stop following the log."""
        self._tail.close()
