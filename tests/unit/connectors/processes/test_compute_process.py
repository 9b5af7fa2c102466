"""What a caller is told of an error that was raised in another process."""

import numpy as np
import pytest

from connectors.objects.store import ObjectNotFoundError
from connectors.processes.compute_process import RaisedError


class OtherLibrary:
    """Where errors of the same names as ours are."""

    class ObjectNotFoundError(LookupError):
        """Not ours."""

    OutOfMemory = type("MemoryError", (Exception,), {})


@pytest.mark.parametrize(
    ("raised", "kind", "expected"),
    [
        (ObjectNotFoundError("a/b"), ObjectNotFoundError, True),
        (ObjectNotFoundError("a/b"), LookupError, True),
        (LookupError("a/b"), ObjectNotFoundError, False),
        (OtherLibrary.ObjectNotFoundError("a/b"), ObjectNotFoundError, False),
        (OtherLibrary.ObjectNotFoundError("a/b"), LookupError, True),
        (OtherLibrary.OutOfMemory(), MemoryError, False),
    ],
)
def test_an_error_is_known_by_its_class_and_not_by_its_name(
    raised: Exception, kind: type[Exception], *, expected: bool
) -> None:
    """As an except clause would know it: those that it is derived from count, others of the same name do not."""
    assert RaisedError.of(raised).is_a(kind) is expected


def test_an_array_that_does_not_fit_is_a_shortage_of_memory() -> None:
    """Numpy raises an error of its own kind."""
    with pytest.raises(MemoryError) as raised:
        np.empty(2**50, np.float64)

    assert RaisedError.of(raised.value).is_a(MemoryError)


def test_people_are_told_the_short_name_and_the_text() -> None:
    """In logs."""
    told = RaisedError.of(OtherLibrary.OutOfMemory("no more"))

    assert (told.kind, told.text, str(told)) == ("MemoryError", "no more", "MemoryError: no more")
