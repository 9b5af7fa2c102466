"""Hostile programs are held, by each sandbox that works here, for root and for an ordinary user."""

from collections.abc import Callable, Collection
from typing import Any

import pytest

from tests.unit.connectors.user_code.attacks import ATTACKS
from tests.unit.connectors.user_code.conftest import USERS, need, played, works

Result = dict[str, Any]

# What must hold in every mode: limits, and nobody left over.
LIMITED: dict[str, Callable[[Result], bool]] = {
    "forks": lambda it: it["limit"] == "processes" or int(it["log"].removeprefix("forked ")) <= 64,
    "threads": lambda it: it["limit"] == "processes" or int(it["log"].removeprefix("threads ")) <= 64,
    "memory": lambda it: it["exit_code"] == 1 and it["log"].endswith("MemoryError\n"),
    "memory of a group": lambda it: it["limit"] == "memory",
    "a big file": lambda it: it["log"] == "refused 27\nsize 50\n",
    "big files": lambda it: it["limit"] == "total_file",
    "files without a name": lambda it: it["limit"] == "total_file",
    "files in memory": lambda it: it["limit"] == "total_file",
    "many files": lambda it: it["limit"] == "files",
    "deep folders": lambda it: it["limit"] == "files",
    "closed folders": lambda it: it["limit"] == "files",
    "calls of the kernel": lambda it: (
        it["log"].splitlines()
        == [
            *(f"{name} Operation not permitted" for name in ("unshare", "clone", "keyctl")),
            *(f"{name} Function not implemented" for name in ("io_uring", "clone3")),
            "0",
        ]
    ),
    "root": lambda it: it["log"] == "user False False []\n",
    "an endless loop": lambda it: it["limit"] == "cpu",
    "an endless loop of many": lambda it: it["limit"] == "cpu",
    "a daemon": lambda it: it["exit_code"] == 0 and it["beats"] > 0 == it["beats_after"],
    "a fork storm": lambda it: it["exit_code"] == 0 and it["beats"] > 0 == it["beats_after"],
    "a closed log": lambda it: it["exit_code"] == 3,
    "a huge log": lambda it: it["log"] == "\nend\n" and it["bytes"] == (64 << 20) + 5,
    "a crash": lambda it: it["signal"] == 6 and "SIGABRT" in it["words"],
}
# What a sandbox holds beside.
SHUT_IN: dict[str, Callable[[Result], bool]] = {
    "secrets": lambda it: (
        it["log"] == "environment ['HOME', 'LANG', 'LOGNAME', 'PATH', 'PYTHONUNBUFFERED', 'TMPDIR', 'USER']\n"
    ),
    "other places": lambda it: it["exit_code"] == 0 and it["written_outside"] == [],
    "network": lambda it: it["log"] == "" and not it["reached"] and it["letter"] == "",
    "signals": lambda it: it["exit_code"] == 0 and it["log"] == "",
    "ptrace": lambda it: it["exit_code"] == 0 and it["log"] == "",
}
SANDBOXES = ["bwrap", "sandlock"]
# These take all processes that the kernel gives a user. Without a sandbox one count holds for all programs of a user,
# so that one beside them may not get the few that it needs.
_CROWDS = {"forks", "threads"}
_SLOW = {*_CROWDS, "memory", "memory of a group"}
_LIMITED = [pytest.param(name, marks=[pytest.mark.slow] if name in _SLOW else []) for name in LIMITED]


def result_of(user: str, mode: str, attack: str, attacks: Collection[str]) -> Result:
    """What became of it, played with its like at once: slow ones only when one is asked for."""
    return played(user, mode, tuple(name for name in attacks if _like(name) == _like(attack)))[attack]


def _like(attack: str) -> tuple[bool, bool]:
    return attack in _SLOW, attack in _CROWDS


@pytest.mark.parametrize("user", USERS)
def test_a_sandbox_works_here(user: str) -> None:
    """Else nothing below is tested."""
    assert works(user, "process") == ""


def test_every_attack_is_judged() -> None:
    assert {*LIMITED, *SHUT_IN} == ATTACKS.keys()


@pytest.mark.parametrize("attack", [*_LIMITED, *SHUT_IN])
@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize("user", USERS)
def test_a_sandbox_holds(user: str, sandbox: str, attack: str) -> None:
    need(user, sandbox)
    result = result_of(user, sandbox, attack, ATTACKS)

    assert {**LIMITED, **SHUT_IN}[attack](result), result


@pytest.mark.parametrize("attack", _LIMITED)
def test_the_unsafe_mode_limits_and_ends_all(attack: str) -> None:
    result = result_of("user", "process-unsafe", attack, LIMITED)

    assert LIMITED[attack](result), result
