"""How users' programs are held on this machine, found out once when a trainer starts (decisions 8 and 24)."""

from dataclasses import dataclass

import structlog

from connectors.user_code.modes import Mode, found_mode
from connectors.user_code.programs import Limits
from streams.runtime import Part, TrainerRuntime
from streams.settings import Settings

__all__ = ["UserCode", "limits_of", "mode_of", "open_trainer"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class UserCode(Part):
    """What holds users' programs; None: none are run."""

    mode: Mode | None


def open_trainer(runtime: TrainerRuntime) -> Part:
    """A trainer's part. NoModeError where what is asked for does not work here: then the trainer does not start."""
    mode = mode_of(runtime.settings)
    if mode is not None:
        log.info("user_code_held", by=str(mode.kind), user=mode.user)
    return UserCode(mode=mode)


def mode_of(settings: Settings) -> Mode | None:
    """What the settings ask for, as it works here; None: no programs of users. NoModeError. Blocks for a moment."""
    return None if settings.user_code == "off" else found_mode(settings.user_code, user=settings.user_code_user)


def limits_of(settings: Settings) -> Limits:
    """What each worker of a version may have."""
    return Limits(
        cpu_s=settings.user_code_cpu_s,
        wall_s=settings.max_training_job_s,
        memory_mib=settings.user_code_memory_mib,
        processes=settings.user_code_processes,
        file_mib=settings.user_code_file_mib,
        total_file_mib=settings.user_code_total_file_mib,
        files=settings.user_code_files,
        network=settings.user_code_network,
    )
