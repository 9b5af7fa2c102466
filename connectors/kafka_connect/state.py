"""What a connector does, from Kafka Connect's answer to a question for its status."""

import re
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["ConnectorState", "connector_state", "reason_of"]

_CAUSE: Final = re.compile(r"^(?:Caused by: )?[\w.$]+(?:Exception|Error)(?:: (.*))?$")


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """State of a connector and its tasks, in Connect's words: RUNNING, FAILED, PAUSED, UNASSIGNED and so on."""

    name: str
    kind: str
    state: str
    tasks: tuple[str, ...]
    reason: str = ""

    @property
    def running(self) -> bool:
        """Whether it and all its tasks run, and there is one."""
        return self.state == "RUNNING" and bool(self.tasks) and all(task == "RUNNING" for task in self.tasks)

    @property
    def failed(self) -> bool:
        """Whether it or a task of it has given up."""
        return "FAILED" in (self.state, *self.tasks)


def connector_state(body: Any) -> ConnectorState:
    """From the body of GET /connectors/{name}/status."""
    parts = [body["connector"], *sorted(body["tasks"], key=lambda task: int(task["id"]))]
    traces = [part["trace"] for part in parts if part.get("trace")]
    return ConnectorState(
        name=body["name"],
        kind=body.get("type", ""),
        state=parts[0]["state"],
        tasks=tuple(task["state"] for task in parts[1:]),
        reason=reason_of(traces[0]) if traces else "",
    )


def reason_of(trace: str) -> str:
    """The innermost cause of a Java stack trace, without class names and frames."""
    texts = [match[1] for line in trace.splitlines() if (match := _CAUSE.match(line.strip())) and match[1]]
    return texts[-1].strip() if texts else trace.strip().partition("\n")[0]
