"""`tidecast access`: log in, and look after users, keys and projects."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from streams.cli.access.audit import audit
from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, print_answer, print_json
from streams.cli.console.options import argument, option
from streams.cli.console.program import command_line
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.service.asking import Url, session_of

__all__ = ["register"]

FromInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Name = Annotated[str, argument(metavar="NAME", help="The user.")]
Project = Annotated[str, argument(metavar="PROJECT", help="The project's id.")]


def register(app: typer.Typer) -> None:
    """Add the groups of commands."""
    group = typer.Typer(help="Who may ask: log in, users, keys and projects.", no_args_is_help=True)
    group.command("login", epilog="Example: tidecast access login ada")(login)
    group.command("logout", epilog="Example: tidecast access logout")(logout)
    group.command("whoami", epilog="Example: tidecast access whoami")(whoami)
    group.command("audit", epilog="Example: tidecast access audit --follow")(audit)
    users = typer.Typer(help="Users, who have a password, a project and a role.", no_args_is_help=True)
    users.command("add", epilog="Example: tidecast access user add ada --project retail --role operator")(add_user)
    users.command("change", epilog="Example: tidecast access user change ada --role viewer")(change_user)
    users.command("list", epilog="Example: tidecast access user list")(list_users)
    users.command("revoke", epilog="Example: tidecast access user revoke ada")(revoke_user)
    keys = typer.Typer(help="Keys that users sign requests with.", no_args_is_help=True)
    keys.command("add", epilog="Example: tidecast access key add ada")(add_key)
    keys.command("list", epilog="Example: tidecast access key list")(list_keys)
    keys.command("revoke", epilog="Example: tidecast access key revoke JUDEUOLDBVB3IZN3FT6K")(revoke_key)
    projects = typer.Typer(help="Projects, whose objects nobody else sees.", no_args_is_help=True)
    projects.command("add", epilog="Example: tidecast access project add retail --title Retail")(add_project)
    projects.command("list", epilog="Example: tidecast access project list")(list_projects)
    projects.command("quota", epilog="Example: tidecast access project quota retail jobs=100 series=50000")(set_quotas)
    projects.command("usage", epilog="Example: tidecast access project usage retail")(show_usage)
    projects.command("revoke", epilog="Example: tidecast access project revoke retail")(revoke_project)
    for name, made in (("user", users), ("key", keys), ("project", projects)):
        group.add_typer(made, name=name)
    app.add_typer(group, name="access")


def login(
    user: Name,
    *,
    project: Annotated[str | None, option(help="Where to work; the user's own project if absent.")] = None,
    from_input: FromInput = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Log in: later commands that ask this service send the token, which is kept in a file of yours."""
    from streams.cli.service.credentials import keep_login

    password = _password(ask=not from_input)
    with session_of(url) as session:
        token, told = session.client.log_in(user, password, project)
        file = keep_login(session.client.url, token)
    words = f"{user} is logged in, project {told['project']['id']}, until {told['expires_at']}; the token is in {file}"
    print_answer({**told, "file": str(file)}, words, as_json=as_json)


def logout(*, as_json: AsJson = False, url: Url = None) -> None:
    """Log out: the token is void, and forgotten."""
    from streams.cli.service.credentials import forget_login

    with session_of(url) as session:
        token = forget_login(session.client.url)
        if token is None:
            raise CommandError(f"nobody is logged in at {session.client.url}: see {command_line('access login')}")
        session.client.log_out(token)
        told = {"logged_out": session.client.url}
    print_answer(told, "logged out", as_json=as_json)


def whoami(*, as_json: AsJson = False, url: Url = None) -> None:
    """Who asks, in which project, with which role."""
    with session_of(url) as session:
        told = session.client.get("/access/me")
    if as_json:
        print_json(told)
    elif told["auth"] == "off":
        output().print("access control is off: anybody may do everything")
    else:
        output().print(one_line(f"{told['name']}, project {told['project']}, {told['role']}"))


def add_user(
    name: Name,
    *,
    project: Annotated[str, typer.Option(help="The project that it works in.")] = "default",
    role: Annotated[
        Literal["viewer", "operator", "admin"],
        typer.Option(help="viewer reads, operator writes too, admin looks after users."),
    ] = "operator",
    from_input: FromInput = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add a user. Without --password-stdin a password is made, and printed this once."""
    import secrets

    password = _password(ask=False) if from_input else secrets.token_urlsafe(15)
    with session_of(url) as session:
        if name in [it["user"] for it in session.client.get("/access/users")["users"]]:
            raise CommandError(f"there is a user {name} already: see {command_line('access user change')}")
        body = {"password": password, "project": project, "role": role}
        added = session.client.write("PUT", f"/access/users/{_part(name)}", body=body)
    told = added if from_input else {**added, "password": password}
    print_answer(told, f"{name} is added, project {project}, {role}", as_json=as_json)
    if not (from_input or as_json):
        output().print(f"password, told this once: {password}", highlight=False, soft_wrap=True)


def change_user(
    name: Name,
    *,
    project: Annotated[str | None, option(help="Another project.")] = None,
    role: Annotated[Literal["viewer", "operator", "admin"] | None, option(help="Another role.")] = None,
    from_input: FromInput = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Give a user another project, role or password; with a new password all its tokens are void."""
    body = {"project": project, "role": role, "password": _password(ask=False) if from_input else None}
    body = {field: value for field, value in body.items() if value is not None}
    if not body:
        raise CommandError("nothing is to be changed: give --project, --role or --password-stdin")
    with session_of(url) as session:
        changed = session.client.write("PUT", f"/access/users/{_part(name)}", body=body)
    print_answer(changed, f"{name} is changed", as_json=as_json)


def list_users(*, as_json: AsJson = False, url: Url = None) -> None:
    """All users."""
    _list("users", ("user", "project", "role"), "there are no users", as_json=as_json, url=url)


def revoke_user(name: Name, *, as_json: AsJson = False, url: Url = None) -> None:
    """Revoke a user, with all its keys and tokens; what it has made stays."""
    _revoke("users", name, as_json=as_json, url=url)


def add_key(name: Name, *, as_json: AsJson = False, url: Url = None) -> None:
    """Add a key of a user; its secret is printed this once."""
    with session_of(url) as session:
        made = session.client.write("POST", "/access/keys", body={"user": name})
    if as_json:
        print_json(made)
        return
    output().print(f"access key {made['access_key']}", highlight=False)
    output().print(f"secret, told this once: {made['secret']}", highlight=False, soft_wrap=True)


def list_keys(*, as_json: AsJson = False, url: Url = None) -> None:
    """All keys, without their secrets."""
    _list("keys", ("access_key", "user"), "there are no keys", as_json=as_json, url=url)


def revoke_key(
    access_key: Annotated[str, argument(metavar="KEY", help="The key's id.")],
    *,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Revoke a key: nothing that is signed with it is let in from now on."""
    _revoke("keys", access_key, as_json=as_json, url=url)


def add_project(
    project: Project,
    *,
    title: Annotated[str, option(help="What it is, for people.")] = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add a project."""
    with session_of(url) as session:
        added = session.client.write("PUT", f"/access/projects/{_part(project)}", body={"title": title})
    print_answer(added, f"project {project} is added", as_json=as_json)


def list_projects(*, as_json: AsJson = False, url: Url = None) -> None:
    """All projects but the default one."""
    _list("projects", ("project", "title"), "there is the default project only", as_json=as_json, url=url)


def set_quotas(
    project: Project,
    quotas: Annotated[
        list[str],
        argument(
            metavar="QUOTA=LIMIT...",
            help="Such as jobs=100; 0: as many as it likes, default: as the settings of the installation say.",
        ),
    ],
    *,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Let a project have so much of something; what it has beyond stays, only more is refused."""
    body: dict[str, int | None] = {}
    for given in quotas:
        name, _, limit = given.partition("=")
        if limit != "default" and not limit.isdecimal():
            raise CommandError(f"{given}: expected QUOTA=LIMIT, such as jobs=100 or jobs=default")
        body[name] = None if limit == "default" else int(limit)
    with session_of(url) as session:
        told = session.client.write("PUT", f"/access/projects/{_part(project)}/quotas", body=body)
    print_answer(told, f"project {project} has its quotas: {', '.join(quotas)}", as_json=as_json)


def show_usage(project: Project, *, as_json: AsJson = False, url: Url = None) -> None:
    """What a project uses of its quotas."""
    with session_of(url) as session:
        told = session.client.get(f"/access/projects/{_part(project)}/usage")
    if as_json:
        print_json(told)
        return
    for name, it in told["usage"].items():
        limit = "no limit" if it["limit"] is None else f"of {it['limit']}{' (its own)' if it['own'] else ''}"
        output().print(f"{name:18} {it['used']:>12} {limit}", highlight=False)


def revoke_project(project: Project, *, as_json: AsJson = False, url: Url = None) -> None:
    """Revoke a project that no user belongs to; what was made in it stays, and nobody sees it."""
    _revoke("projects", project, as_json=as_json, url=url)


def _list(kind: str, columns: Sequence[str], none: str, *, as_json: bool, url: str | None) -> None:
    with session_of(url) as session:
        found: Sequence[Mapping[str, Any]] = session.client.get(f"/access/{kind}")[kind]
    if as_json:
        print_json(found)
        return
    if not found:
        notices().print(none)
    widths = {name: max(len(str(it[name])) for it in found) for name in columns} if found else {}
    for it in found:
        output().print(one_line("  ".join(f"{it[name]!s:{widths[name]}}" for name in columns).rstrip()), soft_wrap=True)


def _revoke(kind: str, name: str, *, as_json: bool, url: str | None) -> None:
    with session_of(url) as session:
        session.client.delete(f"/access/{kind}/{_part(name)}")
    print_answer({"revoked": name}, f"{name} is revoked", as_json=as_json)


def _part(name: str) -> str:
    """A name as a part of a path."""
    from urllib.parse import quote

    return quote(name, safe="")


def _password(*, ask: bool) -> str:
    """From standard input, or asked for at a terminal."""
    if ask and sys.stdin.isatty():
        given = typer.prompt("Password", hide_input=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise CommandError("no password was given: type it, or pipe it in with --password-stdin")
    return str(given)
