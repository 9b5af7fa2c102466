"""Sessions of browsers, whose token is in a cookie that no script can read, and who it is that asks."""

from typing import Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from streams.access.authenticator import project_named
from streams.access.caller import Role, caller
from streams.access.state import AccessState
from streams.codes.access import AccessCode
from streams.errors import NotFoundError
from streams.runtime import StateRuntime
from streams.views.access.logins import authenticator_of, logged_in, revoke
from streams.views.web.admission.authentication import COOKIE, sent_token
from streams.views.web.answers import json_response
from streams.views.web.door import Door, Tag
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JsonRoute, State, sent_as_json
from streams.views.web.strict import StrictBody

__all__ = ["DOOR", "TAG", "seen_project"]

TAG: Final = Tag("access", "Users, keys and projects, and who asks (docs/access.md).")

router = APIRouter(route_class=JsonRoute)
DOOR = Door(
    apart=True,
    router=router,
    prefixes=("/access/session", "/access/me"),
    tag=TAG,
    slash=False,
    open=("POST /access/session", "DELETE /access/session"),
)


class SessionRequest(StrictBody):
    """Who logs in."""

    user: str = Field(max_length=64, description="The user's name.")
    password: str = Field(max_length=1024, description="The user's password.")


class MeReply(StrictBody):
    """Who asks: the name is empty where access control is off."""

    name: str
    project: str
    role: Literal["viewer", "operator", "admin"]
    auth: str = Field(description="As TIDECAST_AUTH says: off, token, ak-sk, or token,ak-sk.")


@router.get("/access/me", summary="Who asks?", response_model=MeReply)
async def get_me(state: State) -> Response:
    """Name, project and role of whoever asks."""
    who = caller()
    told = {"name": who.name, "project": who.project_id, "role": who.role.name.lower(), "auth": state.settings.auth}
    return json_response(told)


@router.post(
    "/access/session",
    summary="Log a browser in",
    status_code=204,
    response_class=Response,
    responses=PLAIN.responses(400, 401, 409, 429),
    dependencies=[Depends(sent_as_json)],
)
async def log_in(state: State, request: Request, body: SessionRequest) -> Response:
    """The token is in a cookie, which the browser sends from then on; no script can read it."""
    who = await logged_in(state, request, body.user, body.password)
    token, _ = authenticator_of(state).token_for(who)
    response = Response(status_code=204)
    _set(state, request, response, token, max_age=round(state.settings.token_lifetime_s))
    return response


@router.delete(
    "/access/session",
    summary="Log a browser out",
    status_code=204,
    response_class=Response,
    responses=PLAIN.responses(409, 503),
)
async def log_out(state: State, request: Request) -> Response:
    """The cookie's token is void, if it was good, and the cookie is gone."""
    token = sent_token({b"cookie": request.headers.get("cookie", "").encode("latin-1")})
    claims = None if token is None else authenticator_of(state).claims_of(token)
    if claims is not None:
        await revoke(state, claims)
    response = Response(status_code=204)
    _set(state, request, response, "", max_age=0)
    return response


def _set(state: StateRuntime, request: Request, response: Response, token: str, *, max_age: int) -> None:
    secure = request.url.scheme == "https" or state.settings.public_url.startswith("https:")
    response.set_cookie(COOKIE, token, max_age, path="/", secure=secure, httponly=True, samesite="strict")


def seen_project(state: StateRuntime, shown: str) -> str:
    """The project that an address names; NotFoundError for another's as for none, but to administrators."""
    who, project = caller(), project_named(shown)
    known = not project or AccessState.of(state).directory.get("project", project) is not None
    if who.project != project and not (who.role is Role.ADMIN and known):
        raise NotFoundError(AccessCode.UNKNOWN_PROJECT, f"there is no project {shown[:64]}")
    return project
