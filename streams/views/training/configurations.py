"""Stored configurations: `/v1/{project_id}/training-job-configs` (contract 002, section 5)."""

from typing import Annotated, Any

from fastapi import Depends, Path, Query, Response

from schemas.training import CreateTrainingConfiguration, DeleteTrainingConfiguration, UpdateTrainingConfiguration
from schemas.training_rows import TrainingConfigurationRecord
from streams.training import configurations as training_configurations
from streams.training.configs import config_text
from streams.training.configurations import SAMPLES, unknown_configuration
from streams.training.limits import limits_of
from streams.training.listing import page_of
from streams.training.state import TrainingJobsState
from streams.views.training.asking import TAG, Project, carried_out, own_router, project_of
from streams.views.training.configuration_bodies import (
    ConfigType,
    ConfigurationBody,
    ConfigurationChangeBody,
    ConfigurationListQuery,
)
from streams.views.training.envelope import TRAINING, done
from streams.views.training.summaries import config_fields
from streams.views.web.answers import json_response
from streams.views.web.commands import BareCommandId, CommandId
from streams.views.web.door import Door
from streams.views.web.reading import State, json_by_default

__all__ = ["DOOR"]

router = own_router("/v1/{project_id}/training-job-configs")
DOOR = Door(router=router, apart=True, tag=TAG, envelope=TRAINING, owner=project_of, slash=False)

Name = Annotated[str, Path(max_length=64, description="The configuration.")]
_BRIEF = ("engine_type", "engine_name", "engine_id", "engine_version", "user_image_url", "user_command")


@router.post(
    "", summary="Keep a configuration", **done(400, 408, 413, 415, 503), dependencies=[Depends(json_by_default)]
)
async def create_configuration(
    state: State, project_id: Project, body: ConfigurationBody, command_id: CommandId
) -> Response:
    """Jobs may name it."""
    training_configurations.check_fields(body.config(), limits_of(state.settings))
    command = CreateTrainingConfiguration(
        command_id,
        project_id,
        body.config_name,
        config_text(body.config()),
        body.config_desc,
    )
    training_configurations.created(command, limits_of(state.settings), at=0)
    return await carried_out(state, project_id, command)


@router.get("", summary="List configurations", responses=TRAINING.responses(400, 503))
async def list_configurations(
    state: State, project_id: Project, asked: Annotated[ConfigurationListQuery, Query()]
) -> Response:
    """One page of the project's, or of those that are shipped."""
    wanted = asked.search_content.casefold()
    own = asked.config_type == "custom"
    known = TrainingJobsState.of(state).configurations_of(project_id) if own else list(SAMPLES.values())
    fitting = sorted((one for one in known if wanted in one.config_name.casefold()), key=lambda one: one.config_name)
    by = asked.sort_key or asked.sort_by or "config_name"
    fitting.sort(key=lambda one: getattr(one, by), reverse=asked.order == "desc")
    shown = [_brief(one) for one in page_of(fitting, asked.page, asked.per_page)]
    return json_response({"is_success": True, "config_total_count": len(fitting), "configs": shown})


@router.get("/{config_name}", summary="Describe a configuration", responses=TRAINING.responses(400, 404, 503))
async def get_configuration(
    state: State,
    project_id: Project,
    config_name: Name,
    config_type: Annotated[ConfigType, Query(description="sample: one that is shipped.")] = "custom",
) -> Response:
    """As it was sent, and what is known of it."""
    if config_type == "sample":
        found = SAMPLES.get(config_name)
    else:
        found = TrainingJobsState.of(state).own_configuration(project_id, config_name)
    if found is None:
        raise unknown_configuration(config_name)
    return json_response(
        {
            "is_success": True,
            "config_name": found.config_name,
            "config_desc": found.config_desc,
            "create_time": found.create_time,
            **config_fields(found.config),
        }
    )


@router.put(
    "/{config_name}",
    summary="Change a configuration",
    **done(400, 404, 408, 413, 415, 503),
    dependencies=[Depends(json_by_default)],
)
async def update_configuration(
    state: State, project_id: Project, config_name: Name, body: ConfigurationChangeBody, command_id: CommandId
) -> Response:
    """Fields sent replace, null clears, what is left out stays."""
    training_configurations.check_fields(body.config(), limits_of(state.settings))
    known = _own(state, project_id, config_name)
    command = UpdateTrainingConfiguration(
        command_id,
        project_id,
        config_name,
        config_text(body.config()),
        body.config_desc,
    )
    training_configurations.updated(known, command, limits_of(state.settings))
    return await carried_out(state, project_id, command)


@router.delete("/{config_name}", summary="Delete a configuration", **done(400, 404, 503))
async def delete_configuration(
    state: State, project_id: Project, config_name: Name, command_id: BareCommandId
) -> Response:
    """Jobs that named it keep what they took from it."""
    _own(state, project_id, config_name)
    return await carried_out(state, project_id, DeleteTrainingConfiguration(command_id, project_id, config_name))


def _own(state: State, project_id: str, name: str) -> TrainingConfigurationRecord:
    found = TrainingJobsState.of(state).own_configuration(project_id, name)
    if found is None:
        raise unknown_configuration(name)
    return found


def _brief(record: TrainingConfigurationRecord) -> dict[str, Any]:
    """T-156."""
    fields = config_fields(record.config)
    return {
        "config_name": record.config_name,
        "config_desc": record.config_desc,
        "create_time": record.create_time,
        **{name: fields[name] for name in _BRIEF if name in fields},
    }
