"""Names of projects, and who sees what."""

from dataclasses import dataclass

import pytest

from connectors.objects.keys import check_key
from streams.access.caller import Caller, Role, calling
from streams.access.names import project_of, scoped, shown
from streams.access.rules import check_project
from streams.access.visibility import is_own, own, visible
from streams.errors import InvalidError

ANNA = Caller("anna", "sales", Role.OPERATOR)


@dataclass(frozen=True)
class Row:
    """Of a project."""

    project: str


@pytest.mark.parametrize("name", ["a", "A-1_b", "v1.2", "tj-12-34", "run-x:y"])
@pytest.mark.parametrize("project", ["", "sales", "S-1_x", "a" * 64])
def test_what_is_kept_says_whose_it_is(project: str, name: str) -> None:
    """Both parts come back, and the name may be a folder of the object store."""
    kept = scoped(project, name)

    assert (project_of(kept), shown(kept)) == (project, name)
    if ":" not in name:
        check_key(kept)


def test_the_default_project_keeps_names_as_they_are() -> None:
    """So that rows of released versions are its own."""
    assert scoped("", "model-1") == "model-1"


def test_no_name_of_one_project_is_that_of_another() -> None:
    """Also where a name is another project's id."""
    kept = [scoped(project, name) for project in ("", "a", "b") for name in ("a", "b")]

    assert len(set(kept)) == len(kept)


@pytest.mark.parametrize("kept", ["=x", "a b=x", "/=x"])
def test_what_holds_no_project_is_the_default_projects(kept: str) -> None:
    """A text that was taken before there were projects stays whole."""
    assert (project_of(kept), shown(kept)) == ("", kept)


@pytest.mark.parametrize("name", ["sales=flights", "=x", "a=b=c", "=", "=="])
@pytest.mark.parametrize("project", ["", "sales"])
def test_nobody_reaches_another_project_by_a_name(project: str, name: str) -> None:
    """Whatever a caller of the default project writes is that project's, and comes back as it was written."""
    kept = scoped(project, name)

    assert (project_of(kept), shown(kept)) == (project, name)


@pytest.mark.parametrize("project", ["", "a=b", "a/b", "a.b", "ä", "a" * 65, "a\n"])
def test_a_project_is_a_short_token(project: str) -> None:
    """The sentence says what to write."""
    with pytest.raises(InvalidError, match=r"project: found .*, expected 1 to 64 characters of A-Z a-z 0-9 _ -"):
        check_project("project", project)


def test_access_off_everything_is_the_default_projects() -> None:
    """Nobody is set, and what has no project is visible."""
    assert visible(Row(""))
    assert not visible(Row("sales"))
    assert own("x") == "x"
    assert is_own("x")
    assert not is_own(scoped("sales", "x"))


def test_a_caller_sees_the_callers_project_alone() -> None:
    """Neither the default project nor one whose id begins alike."""
    with calling(ANNA):
        assert visible(Row("sales"))
        assert [visible(Row(other)) for other in ("", "sales2", "sale")] == [False] * 3
        assert is_own(own("x"))
        assert [is_own(other) for other in ("x", "sales", scoped("sales2", "x"))] == [False] * 3
