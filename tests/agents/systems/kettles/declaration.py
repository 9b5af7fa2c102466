"""A system that no other file knows: a kettle is boiled by a command, kept in a table, and asked for over HTTP."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, System

_ROOM = "tests.agents.systems.kettles"

KETTLES = System(
    name="kettles",
    topics=(
        DeclaredTopic.commands("kettle-commands", "MetricPoint", words="Boil a kettle.", key="The kettle's name."),
    ),
    tables=(DeclaredTable("kettles", "MetricPoint"),),
    state=f"{_ROOM}.state:open_state",
    state_agents=(f"{_ROOM}.agent",),
    views=(f"{_ROOM}.view",),
    commands=(f"{_ROOM}.command",),
)
