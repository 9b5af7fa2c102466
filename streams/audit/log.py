"""Who did what, and what came of it: an event for every write, and for every refusal for lack of rights.

It never holds what was sent or answered. What comes by HTTP is told of as a request, whatever commands that sends; they
carry a mark, so that none is told of twice.
"""

import asyncio
import time
from typing import Any, Final

import structlog

from connectors.kafka.publisher import Record
from schemas.access import AuditRecord
from streams.access.caller import DEFAULT_PROJECT, Caller
from streams.audit.notes import MARK, RequestNote
from streams.audit.repeats import MINUTE_S, Kind, Repeats
from streams.audit.subjects import LONGEST, project_of_command, subject_of
from streams.errors import RejectedError
from streams.messages import Message
from streams.runtime import Part, StateRuntime
from streams.telemetry.tracing import trace_id_of

__all__ = ["AuditLog", "open_audit"]

log = structlog.get_logger(__name__)

_MOST_UNSENT: Final = 10_000  # while the broker is away; of what comes then the log tells how much


class AuditLog(Part):
    """Sends the events. At most so many wait for the broker; what is lost is counted in the log."""

    def __init__(self, runtime: StateRuntime) -> None:
        self.on = runtime.settings.audited
        self._runtime = runtime
        self._unsent = self._lost = 0
        self._repeats = Repeats()
        self._minute: asyncio.TimerHandle | None = None

    def tells_alone(self, who: Caller, status: int, action: str, address: str) -> bool:
        """Count a refusal; whether it is to be told of by itself. Others of its kind are, as a number, in a minute."""
        kind = Kind(who.name, who.project, _role(who, status), address, action, status)
        if self._minute is None:
            self._minute = asyncio.get_running_loop().call_later(MINUTE_S, self.tell_repeats)
        return self._repeats.is_told_alone(kind)

    def tell_repeats(self) -> None:
        """Tell how many refusals of the present minute have had no event of their own."""
        if self._minute is not None:
            self._minute.cancel()
            self._minute = None
        for kind, count in self._repeats.ended():
            self._send(
                AuditRecord(
                    at=_now(),
                    user=kind.user,
                    project=kind.project,
                    door="http",
                    action=kind.action,
                    subject="",
                    status=kind.status,
                    trace_id="",
                    address=kind.address,
                    role=kind.role,
                    count=count,
                )
            )

    async def close(self) -> None:
        """What was counted is told."""
        self.tell_repeats()

    def request(
        self, note: RequestNote, action: str, subject: str, status: int, address: str
    ) -> "asyncio.Future[Any] | None":
        """Tell of a request that is answered so; ends when the broker has it. None where it is lost."""
        who = note.who
        return self._send(
            AuditRecord(
                at=_now(),
                user=who.name,
                project=who.project,
                door="http",
                action=action,
                subject=(subject or note.subject)[:LONGEST],
                status=status,
                trace_id=note.trace_id,
                address=address,
                role=_role(who, status),
            )
        )

    def command(self, message: Message, command: Any, error: RejectedError | None) -> None:
        """Tell of a command that was applied or refused, unless it came with a request."""
        if any(name == MARK for name, _ in _headers(message)):
            return
        self._send(
            AuditRecord(
                at=_now(),
                user="",
                project=project_of_command(command),
                door="kafka",
                action=type(command).__name__,
                subject=subject_of(command),
                status=200 if error is None else error.status,
                trace_id=trace_id_of(message) or "",
            )
        )

    def _send(self, event: Any) -> "asyncio.Future[Any] | None":
        if self._unsent >= _MOST_UNSENT:
            self._lost += 1
            if self._lost & (self._lost - 1) == 0:  # 1, 2, 4, 8 …
                log.error("audit_lost", events=self._lost, reason="the broker does not take them")
            return None
        self._unsent += 1
        key = (event.project or DEFAULT_PROJECT).encode()
        record = Record(self._runtime.topics.audit, key, self._runtime.codec.encode(event))
        sending = self._runtime.publisher.send_nowait([record])
        sending.add_done_callback(self._sent)
        return sending

    def _sent(self, sent: Any) -> None:
        self._unsent -= 1
        if not sent.cancelled() and (error := sent.exception()) is not None:
            self._lost += 1
            log.error("audit_lost", events=self._lost, reason=str(error))


def _role(who: Caller, status: int) -> str:
    return who.role.name.lower() if who.name and status != 401 else ""


def open_audit(runtime: StateRuntime) -> Part:
    """The state's part; it is told of commands where writes are told of at all."""
    part = AuditLog(runtime)
    if part.on:
        runtime.on_commands.append(part.command)
    return part


def _headers(message: Message) -> Any:
    found: Any = message.headers
    return () if not found else found.items() if hasattr(found, "items") else found


def _now() -> int:
    return round(time.time() * 1000)
