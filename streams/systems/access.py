"""Who may ask, users, their keys and projects, and how much a project may have (docs/access.md)."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, Keep, System

__all__ = ["ACCESS", "QUOTAS"]

ACCESS = System(
    name="access",
    topics=(
        DeclaredTopic.commands(
            "access-commands",
            "AddProject",
            "ChangeProject",
            "RevokeProject",
            "AddUser",
            "ChangeUser",
            "RevokeUser",
            "AddKey",
            "RevokeKey",
            "RevokeToken",
            words="Add, change or revoke a project, a user, a key or a token.",
            key="The word access: they are applied in one order, for a user needs its project.",
        ),
    ),
    tables=(DeclaredTable("access", "AccessRecord"),),
    state="streams.access.state:open_state",
    state_agents=("agents.access.commands",),
    views=(
        "streams.views.access.identity",
        "streams.views.access.session",
        "streams.views.access.users",
    ),
    commands=("streams.cli.access.commands",),
)

QUOTAS = System(
    name="quotas",
    topics=(
        DeclaredTopic(
            name="project-usage",
            records=("ProjectUsage",),
            keep=Keep.STATUS,
            words="What projects use of their quotas, by partition, as the state workers tell one another: private.",
            key="Partition and project; all of a project lie in one partition.",
        ),
    ),
    state="streams.quotas.state:open_state",
    views=("streams.views.access.quotas", "streams.views.access.usage"),
)
