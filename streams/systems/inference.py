"""DeepAR inference work (contract 001): endpoints, transform jobs, and the files that they read and write."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, Keep, System

__all__ = ["INFERENCE"]

INFERENCE = System(
    name="inference",
    topics=(
        DeclaredTopic(
            name="transform-commands",
            records=("StartTransform", "StopTransform"),
            keep=Keep.COMMANDS,
            words="Start or stop a transform job.",
            key="The transform job's name.",
            action="receive",
            long=True,
        ),
        DeclaredTopic(
            name="inference-requests",
            records=("InferenceRequest",),
            keep=Keep.COMMANDS,
            words="Forecast one instance with an endpoint.",
            key="Any; those of a transform job have its name and the line.",
            action="receive",
            reply="inference-results",
        ),
        DeclaredTopic(
            name="inference-results",
            records=("InferenceResult",),
            keep=Keep.COMMANDS,
            words="The answer to every request, a forecast or an error.",
            key="The transform job's name, else the request_id.",
            action="send",
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
