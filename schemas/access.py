"""What is said of users, their keys and projects, and the row that is kept of each. Times are epoch milliseconds.

A project is named by its id; empty stands for the default project, which is always there.
"""

from collections.abc import Mapping
from dataclasses import field

from schemas.values import record

__all__ = [
    "TYPES",
    "AccessRecord",
    "AddKey",
    "AddProject",
    "AddUser",
    "ChangeProject",
    "ChangeUser",
    "ProjectUsage",
    "RevokeKey",
    "RevokeProject",
    "RevokeToken",
    "RevokeUser",
]


@record()
class AddProject:
    """Let there be a project; `title` is for people."""

    command_id: str
    project: str
    title: str = ""


@record()
class ChangeProject:
    """Give a project another title, or quotas of its own; a title that is None and quotas that are not named stay.

    A quota of 0 is none, and -1 is that of the installation's settings.
    """

    command_id: str
    project: str
    title: str | None = None
    quotas: Mapping[str, int] = field(default_factory=dict)


@record()
class RevokeProject:
    """Remove a project to which no user belongs; what was made in it stays, and nobody sees it."""

    command_id: str
    project: str


@record()
class AddUser:
    """Let there be a user. `password_hash` is argon2id's, in its usual text form; `role` viewer, operator or admin."""

    command_id: str
    user: str
    password_hash: str
    project: str = ""
    role: str = "operator"


@record()
class ChangeUser:
    """Give a user another password, project or role; what is None stays.

    With a new password all tokens from before are void.
    """

    command_id: str
    user: str
    password_hash: str | None = None
    project: str | None = None
    role: str | None = None


@record()
class RevokeUser:
    """Remove a user; all keys and tokens of it are void."""

    command_id: str
    user: str


@record()
class AddKey:
    """Let a user sign requests with a key; `secret` is encrypted with the installation's own key."""

    command_id: str
    access_key: str
    secret: str
    user: str


@record()
class RevokeKey:
    """Remove a key."""

    command_id: str
    access_key: str


@record()
class RevokeToken:
    """Let a token be void, which would end at `expires` anyhow."""

    command_id: str
    token_id: str
    expires: int


@record(kw_only=True)
class AccessRecord:
    """One row of the table `access`: a project, its quotas, a user, a key or a void token, as `kind` says.

    `secret` is a user's password hash or a key's secret, encrypted. Tokens that were issued before `valid_from` are
    void. `expires` is when a void token may be forgotten.
    """

    kind: str
    name: str
    command_id: str
    created: int
    project: str = ""
    role: str = ""
    user: str = ""
    title: str = ""
    secret: str = ""
    valid_from: int = 0
    expires: int = 0
    digest: str = ""
    quotas: Mapping[str, int] = field(default_factory=dict)


@record(kw_only=True)
class AuditRecord:
    """Who did what, when, and what came of it; `door` is http or kafka, `status` that of an answer over HTTP.

    Neither what was sent nor what was answered is in it. Over Kafka nobody knows who sends.
    """

    at: int
    user: str
    project: str
    door: str
    action: str
    subject: str
    status: int
    trace_id: str
    address: str = ""
    role: str = ""
    count: int = 1


@record()
class ProjectUsage:
    """How much of its quotas a project uses in one partition, as the state workers tell one another."""

    partition: int
    project: str
    used: Mapping[str, int] = field(default_factory=dict)
    mark: str = ""


TYPES: tuple[type, ...] = (
    AddProject,
    ChangeProject,
    RevokeProject,
    AddUser,
    ChangeUser,
    RevokeUser,
    AddKey,
    RevokeKey,
    RevokeToken,
    AccessRecord,
    AuditRecord,
    ProjectUsage,
)
