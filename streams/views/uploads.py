"""Files under the data root: JSON Lines to train on and to transform, and what transform jobs made of them."""

from fastapi import APIRouter

__all__ = ["router"]

router = APIRouter(tags=["uploads"])
