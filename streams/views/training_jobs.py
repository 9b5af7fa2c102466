"""Training jobs: `/v1/{project_id}/training-jobs`, the part of contract 002 that DeepAR needs."""

from fastapi import APIRouter

__all__ = ["router"]

router = APIRouter(tags=["training_jobs"])
