"""Reads MetricPoints by the thousand, as columns: a tenth of the time that reading one after the other takes.

All records of a batch are walked through together, one field after the other, with numpy. What does not fit, or has a
schema that is not ours, is left to the codec, which reads it or says what is wrong.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.coding.codec import Codec
from schemas.workloads import MetricPoint

__all__ = ["PointColumns", "PointReader"]

_HEADER: Final = 5
_PADDING: Final = b"\0" * 16  # so that the last record's fields can be looked for beyond its end
_FIELDS: Final = 6  # of the first version
_LONGEST: Final = 10  # bytes of a number
_Longs = NDArray[np.int64]


class PointColumns(NamedTuple):
    """A batch of records. Where `fits` is False the other columns mean nothing.

    A record's bytes from 5 to `head_end` are its workload and metric, those from `tail` to `tail_end` its source.
    """

    fits: NDArray[np.bool_]
    head_end: list[int]
    tail: list[int]
    tail_end: list[int]
    value: NDArray[np.float64]
    timestamp: _Longs
    iteration: _Longs

    @classmethod
    def unfit(cls, count: int) -> "PointColumns":
        """Of so many records, each of which is to be read by itself."""
        numbers, places = np.zeros(count, np.int64), [0] * count
        return cls(np.zeros(count, np.bool_), places, places, places, np.zeros(count), numbers, numbers)


class PointReader:
    """Reads points of the schemas that the codec knows as ours."""

    def __init__(self, codec: Codec) -> None:
        known = codec.schemas_of(MetricPoint).items()
        #: By schema id, how many texts follow the source: none in the first version.
        self._texts = {schema_id: len(schema["fields"]) - _FIELDS for schema_id, schema in known}

    def read(self, records: Sequence[bytes]) -> PointColumns:
        """The columns of some records, none of which may be absent."""
        data = np.frombuffer(b"".join((*records, _PADDING)), np.uint8)
        lengths = np.fromiter(map(len, records), np.int64, len(records))
        ends = np.cumsum(lengths)
        starts = ends - lengths
        walk = _Walk(data, starts, ends)
        fits = lengths > _HEADER
        ids = _schema_ids(data, starts)
        texts = np.full(len(records), -1)
        for schema_id, more in self._texts.items():
            texts[ids == schema_id] = more
        fits &= (data[starts] == 0) & (texts >= 0) if len(records) else fits
        walk.text()
        walk.text()
        head_end = walk.at - starts
        value = walk.optional_double()
        timestamp, iteration = walk.long(), walk.long()
        tail = walk.at - starts
        walk.text()
        tail_end = walk.at - starts
        if (texts > 0).any():
            walk.text(where=texts > 0)
        fits &= walk.fits & (walk.at == ends)
        for index in np.flatnonzero(fits & (lengths > tail_end + 1)).tolist():  # there is a worker: is it a text?
            fits[index] = records[index][tail_end[index] :].isascii()
        return PointColumns(fits, head_end.tolist(), tail.tolist(), tail_end.tolist(), value, timestamp, iteration)


def _schema_ids(data: NDArray[np.uint8], starts: _Longs) -> _Longs:
    ids = np.zeros(len(starts), np.int64)
    for place in range(1, _HEADER):
        ids = ids << 8 | data[starts + place]
    return ids


class _Walk:
    """Where each record's next field begins; those that do not fit stay behind."""

    def __init__(self, data: NDArray[np.uint8], starts: _Longs, ends: _Longs) -> None:
        self._data = data
        self._ends = ends
        self.at = np.minimum(starts + _HEADER, ends)
        self.fits = np.ones(len(starts), np.bool_)

    def long(self) -> _Longs:
        """Read a number of each."""
        byte = self._data[self.at]
        found = (byte & 0x7F).astype(np.uint64)
        at, more, shift = self.at + 1, byte >= 0x80, 7
        while more.any():
            if shift >= 7 * _LONGEST:
                self.fits &= ~more
                break
            byte = self._data[np.minimum(at, self._ends)]
            found |= np.where(more, (byte & 0x7F).astype(np.uint64) << np.uint64(shift), np.uint64(0))
            at += more
            more &= byte >= 0x80
            shift += 7
        self._go_to(at)
        return (found >> np.uint64(1)).view(np.int64) ^ -(found & np.uint64(1)).view(np.int64)

    def text(self, where: NDArray[np.bool_] | None = None) -> None:
        """Pass over a text of each, or of those."""
        before = self.at
        length = self.long()
        wrong = (length < 0) | (length > self._ends - self.at)
        if where is not None:
            wrong &= where
        self.fits &= ~wrong
        after = self.at + np.where(wrong, 0, length)
        self._go_to(after if where is None else np.where(where, after, before))

    def optional_double(self) -> NDArray[np.float64]:
        """Read a number or null of each; null is NaN."""
        branch = self.long()
        given = branch == 1
        self.fits &= given | (branch == 0)
        places = np.minimum(self.at, len(self._data) - 8)[:, None] + np.arange(8)
        found = self._data[places].view("<f8")[:, 0]
        self._go_to(self.at + 8 * given)
        return np.where(given, found, np.nan)

    def _go_to(self, at: _Longs) -> None:
        self.fits &= at <= self._ends
        self.at = np.minimum(at, self._ends)
