"""Ctrl-C and SIGTERM: while a service is being started, and while a command waits."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

from streams.cli.console.failure import CommandError

__all__ = ["DeferredSignals", "InterruptedStartError", "TerminationInterrupt", "exit_status"]


class InterruptedStartError(CommandError):
    """The start was interrupted; the exit status is the one that shells give to the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}", status=128 + number)


class TerminationInterrupt(KeyboardInterrupt):
    """SIGTERM, which ends a waiting command as Ctrl-C does.

    No Exception: it may come up anywhere, and code that cleans up after one would take it for a failure of its own
    step. `Thread.start` is such code: it forgets a thread that runs already, and the thread then dies of that.
    """


def exit_status(interrupt: KeyboardInterrupt) -> int:
    """The status that shells give to the signal behind it."""
    return 128 + (signal.SIGTERM if isinstance(interrupt, TerminationInterrupt) else signal.SIGINT)


class DeferredSignals:
    """Within it the first SIGINT or SIGTERM waits for the next `check`, which is called between two steps.

    An exception in the middle of a step could leave a child process that nobody knows of. A second Ctrl-C is obeyed
    at once; the children then end by their guards.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._raised = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take over both signals."""
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give both back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """InterruptedStartError if a signal has come; raised once, so that stopping can go on with its own steps."""
        if self.received is not None and not self._raised:
            self._raised = True
            raise InterruptedStartError(self.received)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received = number
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
