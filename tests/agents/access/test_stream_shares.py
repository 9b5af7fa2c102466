"""Live streams of a worker: one project leaves some to the others."""

from contextlib import ExitStack

import pytest

from streams.access.caller import Caller, Role, calling
from streams.errors import RejectedError
from streams.views.web.answers import Streams


def test_a_project_has_half_of_them_at_most() -> None:
    """Where access control is off, all are one's own."""
    streams, opened = Streams(), ExitStack()
    anna, bob = Caller("anna", "sales", Role.VIEWER), Caller("bob", "stock", Role.VIEWER)
    with calling(anna):
        for _ in range(2):
            streams.check_room(4)
            opened.enter_context(streams.one())
        with pytest.raises(RejectedError, match="2 streams of project sales"):
            streams.check_room(4)
    with calling(bob):
        streams.check_room(4)
    streams.check_room(4)
    for _ in range(2):
        opened.enter_context(streams.one())
    with pytest.raises(RejectedError, match="4 streams are open"):
        streams.check_room(4)
    opened.close()
    streams.check_room(1)
