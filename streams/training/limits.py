"""What this installation allows of training jobs."""

from streams.settings import Settings
from streams.training.configs import Limits

__all__ = ["limits_of"]


def limits_of(settings: Settings) -> Limits:
    """As the settings say."""
    return Limits(most_workers=settings.user_code_workers, most_samples=settings.max_num_samples)
