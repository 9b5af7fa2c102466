"""Tokens in the shape of Keystone's Identity API v3: clients of OpenStack and Huawei Cloud log in as they are."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from streams.access.authenticator import project_named
from streams.access.caller import Caller, Role
from streams.access.state import AccessState
from streams.access.tokens import Claims
from streams.codes.access import AccessCode
from streams.errors import InvalidError, NotFoundError
from streams.runtime import StateRuntime
from streams.views.access.logins import authenticator_of, logged_in, revoke, wrong
from streams.views.web.answers import json_response
from streams.views.web.door import Door, Tag
from streams.views.web.envelope import Envelope, Refusal
from streams.views.web.reading import ForgivingRoute, State, address, sent_as_json

__all__ = ["DOOR", "IDENTITY"]

_TITLES: Final[Mapping[int, str]] = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 409: "Conflict"}
_DOMAIN: Final = {"id": "default", "name": "Default"}
_REGION: Final = "tidecast"
_SUBJECT: Final = "X-Subject-Token"


class IdentityProblem(BaseModel):
    """The status, and a sentence for people."""

    code: int
    message: str
    title: str


class IdentityError(BaseModel):
    """What went wrong."""

    error: IdentityProblem


def _body(told: Refusal) -> Mapping[str, Any]:
    title = _TITLES.get(told.status, "Error")
    return {"error": {"code": told.status, "message": told.message, "title": title}}


IDENTITY: Final = Envelope(body=_body, shown=IdentityError)

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    apart=True,
    router=router,
    prefixes=("/v3",),
    tag=Tag("tokens", "Log in with user and password, in the shape of Keystone v3 (T-018)."),
    envelope=IDENTITY,
    slash=False,
    open=("POST /v3/auth/tokens", "GET /v3"),
    role=Role.VIEWER,  # who may do nothing else may log out
)


class NamedBody(BaseModel):
    """A user or a project."""

    id: str | None = Field(None, max_length=64, description="The id, which is the name too.")
    name: str | None = Field(None, max_length=256, description="The name.")

    @property
    def said(self) -> str:
        """What it is called, empty where that is not told."""
        return self.id or self.name or ""


class PasswordUserBody(NamedBody):
    """Who asks."""

    password: str = Field(max_length=1024, description="The user's password.")


class PasswordBody(BaseModel):
    """For the method password."""

    user: PasswordUserBody


class TokenBody(BaseModel):
    """For the method token."""

    id: str = Field(max_length=4096, description="The token.")


class IdentityBody(BaseModel):
    """How it is shown who asks."""

    methods: list[str] = Field(min_length=1, max_length=4, description="password or token.")
    password: PasswordBody | None = Field(None, description="For the method password.")
    token: TokenBody | None = Field(None, description="For the method token.")


class ScopeBody(BaseModel):
    """Where the token is to work."""

    project: NamedBody | None = Field(None, description="A project, by its id or name.")


class AuthBody(BaseModel):
    """Who asks, and where."""

    identity: IdentityBody
    scope: ScopeBody | str | None = Field(None, description="The project that the token is to work in.")


class TokenRequest(BaseModel):
    """Who asks (methods password or token), and in which project the token is to work: the user's own if absent."""

    auth: AuthBody


@router.get("/v3", summary="Which version this is", response_model=dict[str, Any])
async def get_identity_version(request: Request) -> Response:
    """As clients of Keystone look for it."""
    link = {"rel": "self", "href": f"{address(request, '/v3')}/"}
    version = {"id": "v3.14", "status": "stable", "links": [link], "media-types": []}
    return json_response({"version": version})


@router.post(
    "/v3/auth/tokens",
    summary="Log in",
    status_code=201,
    response_model=dict[str, Any],
    responses=IDENTITY.responses(400, 401, 409, 429),
    dependencies=[Depends(sent_as_json)],
)
async def create_token(state: State, request: Request, body: TokenRequest) -> Response:
    """The token is in the header X-Subject-Token; what it is good for is in the body."""
    authenticator = authenticator_of(state)
    method, who, shown_by = await _who(state, request, body.auth.identity)
    scope = body.auth.scope
    project = scope.project if isinstance(scope, ScopeBody) else None
    if project is not None and project.said:
        scoped = authenticator.in_project(who, _project_id(state, project.said))
        if scoped is None:
            raise wrong()
        who = scoped
    token, claims = authenticator.token_for(who, shown_by)
    return _token_answer(state, request, who, claims, status=201, method=method, token=token)


@router.get(
    "/v3/auth/tokens",
    summary="What a token is good for",
    response_model=dict[str, Any],
    responses=IDENTITY.responses(401, 404, 409),
)
async def get_token(state: State, request: Request) -> Response:
    """Of the token in X-Subject-Token."""
    who, claims, token = _subject(state, request)
    return _token_answer(state, request, who, claims, status=200, method="password", token=token)


@router.delete(
    "/v3/auth/tokens",
    summary="Revoke a token",
    status_code=204,
    response_class=Response,
    responses=IDENTITY.responses(401, 404, 409, 503),
)
async def revoke_token(state: State, request: Request) -> Response:
    """The token in X-Subject-Token is void from now on."""
    _, claims, _ = _subject(state, request)
    await revoke(state, claims)
    return Response(status_code=204)


async def _who(state: StateRuntime, request: Request, identity: IdentityBody) -> tuple[str, Caller, Claims | None]:
    """By which method it is shown who asks, who that is, and what the token says that shows it."""
    if "password" in identity.methods and identity.password is not None:
        user = identity.password.user
        return "password", await logged_in(state, request, user.said, user.password), None
    if "token" in identity.methods and identity.token is not None:
        authenticator = authenticator_of(state)
        claims, who = authenticator.claims_of(identity.token.id), authenticator.by_token(identity.token.id)
        if claims is None or who is None:
            raise wrong()
        return "token", who, claims
    text = "auth.identity.methods: expected password or token, and the field of that name"
    raise InvalidError(AccessCode.UNAUTHENTICATED, text)


def _project_id(state: StateRuntime, said: str) -> str:
    """The project with this id, else with this title; whether there is one is not asked here."""
    directory = AccessState.of(state).directory
    if directory.get("project", said) is None:
        titled = [it.name for it in directory.all("project") if it.title == said]
        if len(titled) == 1:
            return titled[0]
    return project_named(said)


def _subject(state: StateRuntime, request: Request) -> tuple[Caller, Claims, str]:
    """Whom the token in X-Subject-Token stands for, and what it says."""
    authenticator, token = authenticator_of(state), request.headers.get(_SUBJECT, "")
    claims, who = authenticator.claims_of(token), authenticator.by_token(token)
    if claims is None or who is None:
        raise NotFoundError(AccessCode.UNAUTHENTICATED, f"{_SUBJECT}: the token is not valid, or not any more")
    return who, claims, token


def _token_answer(
    state: StateRuntime, request: Request, who: Caller, claims: Claims, *, status: int, method: str, token: str
) -> Response:
    role, project = who.role.name.lower(), who.project_id
    row = AccessState.of(state).directory.get("project", who.project)
    named = {"id": project, "name": (row.title if row is not None else "") or project, "domain": _DOMAIN}
    told: dict[str, Any] = {
        "methods": [method],
        "user": {"id": who.name, "name": who.name, "domain": _DOMAIN, "password_expires_at": None},
        "project": named,
        "roles": [{"id": role, "name": role}],
        "is_domain": False,
        "audit_ids": [claims.token_id],
        "issued_at": _time(claims.issued),
        "expires_at": _time(claims.expires),
    }
    if "nocatalog" not in request.query_params:
        told["catalog"] = [
            _service("identity", address(request, "/v3")),
            _service("modelarts", address(request, f"/v1/{project}")),
        ]
    return json_response({"token": told}, status, {_SUBJECT: token, "Vary": "X-Auth-Token"})


def _service(kind: str, url: str) -> Mapping[str, Any]:
    endpoint = {"id": kind, "interface": "public", "region": _REGION, "region_id": _REGION, "url": url}
    return {"id": kind, "name": kind, "type": kind, "endpoints": [endpoint]}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
