"""Records of the topic `metrics`, as Kafka's client gives them."""

from dataclasses import dataclass

from connectors.kafka.publisher import partition_for
from schemas.coding.codec import Codec
from schemas.workloads import MetricPoint

PARTITIONS = 4
AT = 1_704_067_200_000
CODEC = Codec()


@dataclass
class Told:
    """One record."""

    key_: bytes | None
    value_: bytes | None
    offset_: int = 0
    partition_: int | None = None

    def key(self) -> bytes | None:
        return self.key_

    def value(self) -> bytes | None:
        return self.value_

    def offset(self) -> int:
        return self.offset_

    def partition(self) -> int:
        return partition_for(self.key_ or b"", PARTITIONS) if self.partition_ is None else self.partition_

    def timestamp(self) -> tuple[int, int]:
        return 1, AT + self.offset_

    def topic(self) -> str:
        return "tidecast.metrics"

    def headers(self) -> None:
        return None


def point(
    iteration: int = 1, *, uid: str = "w-1", metric: str = "train/loss", value: float | None = 2.5, at: int = AT,
    source: str = "log",
) -> MetricPoint:  # fmt: skip
    """A point."""
    return MetricPoint(uid, metric, value, at, iteration, source)


def told(*points: MetricPoint, first: int = 0) -> list[Told]:
    """They, as they are in the log."""
    return [Told(it.workload_uid.encode(), CODEC.encode(it), first + index) for index, it in enumerate(points)]
