"""The two consoles: results go to standard output, everything else to standard error; and text made safe to print."""

from collections.abc import Iterable

from rich.console import Console

__all__ = ["notices", "one_line", "output", "print_warnings"]

_WIDE = 160  # columns where nobody tells the width: a file or a pipe


def output() -> Console:
    """Standard output, for what the user asked for."""
    return _console(stderr=False)


def notices() -> Console:
    """Standard error, for progress and errors."""
    return _console(stderr=True)


def one_line(text: str) -> str:
    """Text of unknown origin, with line ends, escapes and other unprintable characters in backslash notation."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def print_warnings(warnings: Iterable[str], console: Console) -> None:
    """Print what was read in a way that may not be meant."""
    for warning in warnings:
        console.print(f"warning: {one_line(warning)}", style="yellow", soft_wrap=True, markup=False)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    return console
