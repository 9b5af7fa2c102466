"""Tells how hot a kettle is."""

from typing import Annotated

from fastapi import APIRouter, Depends

from streams.runtime import StateRuntime
from streams.views.web.door import Door, Tag
from streams.views.web.reading import runtime
from tests.agents.systems.kettles.state import KettleState

router = APIRouter(prefix="/kettles")
DOOR = Door(router=router, tag=Tag("kettles", "How hot they are."))


@router.get("/{name}")
async def get_kettle(name: str, state: Annotated[StateRuntime, Depends(runtime)]) -> dict[str, float | None]:
    found = KettleState.of(state).kettles.get(name.encode())
    return {"heat": None if found is None else found.value}
