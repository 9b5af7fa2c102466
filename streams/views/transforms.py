"""Transform jobs: contract 001, section 3."""

from fastapi import APIRouter

__all__ = ["router"]

router = APIRouter(tags=["transforms"])
