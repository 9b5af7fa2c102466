"""Reading the logs of versions (contract T-012, T-019, T-139)."""

from dataclasses import dataclass
from typing import Any

from connectors.objects.store import ObjectStore
from connectors.objects.training_logs import read_log, read_tail
from schemas.training_rows import TrainingVersionRecord
from streams.codes.training import TrainingCode
from streams.errors import NotFoundError
from streams.training.configs import config_of
from streams.training.versions import log_names

__all__ = ["Log", "read_part"]


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one worker of a version."""

    project_id: str
    version_id: int
    worker: int

    @staticmethod
    def names(version: TrainingVersionRecord) -> list[str]:
        """The names of all logs of a version."""
        return log_names(version, int(config_of(version.config).get("worker_server_num", 1)))

    @classmethod
    def of(cls, version: TrainingVersionRecord, name: str) -> "Log":
        """The log of this name, the first where it is empty; RejectedError where there is none."""
        names = cls.names(version)
        if name and name not in names:
            known = ", ".join(names[:20]) or "none yet"
            text = f"log_file: version {version.version_id} has no log {name!r}; it has: {known}"
            raise NotFoundError(TrainingCode.FAILED_OPERATION, text)
        return cls(version.project_id, version.version_id, names.index(name) if name else 0)


def read_part(store: ObjectStore, log: Log, lines: int, offset: int | None) -> dict[str, Any]:
    """The last lines of a log, or what follows an offset, as an answer. It blocks."""
    of = store, log.project_id, log.version_id, log.worker
    if offset is None:
        tail = read_tail(*of, lines)
        return _answer("\n".join(tail.lines), len(tail.lines), tail.size)
    data, start = read_log(*of, offset)
    if not data:
        return _answer("", 0, offset)
    data = data[: data.rfind(b"\n") + 1] or data  # whole lines, so that no letter is cut in two
    text = data.decode("utf-8", "replace")
    return _answer(text, text.count("\n"), start + len(data))


def _answer(content: str, lines: int, next_offset: int) -> dict[str, Any]:
    return {"is_success": True, "content": content, "lines": lines, "next_offset": next_offset}
