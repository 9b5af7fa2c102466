"""Users' models, PMML and ONNX, and what is made of them (contract 003)."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, System

__all__ = ["SCORING"]

SCORING = System(
    name="scoring",
    topics=(
        DeclaredTopic.commands(
            "model-commands",
            "AddModel",
            "DeleteModel",
            words="Add or remove a PMML or ONNX model.",
            key="The model's name.",
            long=True,
        ),
    ),
    tables=(DeclaredTable("models", "ModelRecord"),),
    state="streams.scoring.state:open_state",
    state_agents=("agents.scoring.models",),
    views=("streams.views.scoring.models", "streams.views.scoring.trials"),
    commands=("streams.cli.scoring.models",),
)
