"""Model endpoints and their invocations: contract 001, sections 1 and 2."""

from fastapi import APIRouter

__all__ = ["router"]

router = APIRouter(tags=["endpoints"])
