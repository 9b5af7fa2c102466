"""Where trained models of forecasting jobs lie in the object store."""

from connectors.objects.layout import MODELS

__all__ = ["model_file", "models_of"]


def models_of(job_id: int) -> str:
    """The folder of a job's models."""
    return MODELS.key(job_id)


def model_file(job_id: int, ts_id: int, n: int) -> str:
    """The Keras file of one submission of a series; a later submission has a file of its own."""
    return f"{models_of(job_id)}/{ts_id}/{n}.h5"
