"""DeepAR inference work (contract 001): endpoints, transform jobs, and the files that they read and write."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, Keep, System

__all__ = ["INFERENCE"]

INFERENCE = System(
    name="inference",
    topics=(
        DeclaredTopic.commands(
            "transform-commands",
            "StartTransform",
            "StopTransform",
            words="Start or stop a transform job.",
            key="The transform job's name.",
            long=True,
        ),
        DeclaredTopic.commands(
            "inference-requests",
            "InferenceRequest",
            words="Forecast one instance with an endpoint.",
            key="Any; those of a transform job have its name and the line.",
            reply="inference-results",
        ),
        DeclaredTopic.events(
            "inference-results",
            "InferenceResult",
            words="The answer to every request, a forecast or an error.",
            key="The transform job's name, else the request_id.",
            keep=Keep.COMMANDS,
            long=True,
        ),
    ),
    tables=(DeclaredTable("transforms", "TransformRecord"),),
    state="streams.inference.state:open_state",
    trainer="streams.inference.state:open_trainer",
    state_agents=("agents.inference.transforms",),
    trainer_agents=("agents.inference.answering",),
    views=(
        "streams.views.inference.endpoints",
        "streams.views.inference.transforms",
        "streams.views.inference.uploads",
    ),
    commands=("streams.cli.deepar.commands",),
)
