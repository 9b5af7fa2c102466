"""Services: models that are deployed, asked by HTTP and by events (contract 003, section 3). Needs `scoring`."""

from streams.systems.declaration import DeclaredTable, DeclaredTopic, Keep, System

__all__ = ["DEPLOYMENTS"]

_BY_SERVICE = "The service's name."

DEPLOYMENTS = System(
    name="deployments",
    topics=(
        DeclaredTopic.commands(
            "service-commands",
            "DeployService",
            "OperateReplica",
            "ScaleService",
            "DeleteService",
            words="Deploy, scale or remove a service, pause, start or delete a replica.",
            key=_BY_SERVICE,
        ),
        DeclaredTopic.commands(
            "scoring-requests",
            "ScoringRequest",
            words="Ask a service; it answers when a replica has time.",
            key=_BY_SERVICE,
            reply="scoring-results",
        ),
        DeclaredTopic.events(
            "scoring-results",
            "ScoringResult",
            words="The answer to every scoring request, a result or an error.",
            key="The request_id.",
            keep=Keep.COMMANDS,
        ),
    ),
    tables=(DeclaredTable("services", "ServiceRecord"), DeclaredTable("scoring_answers", "ScoringAnswerRecord")),
    state="streams.deployments.state:open_state",
    state_agents=("agents.deployments.services", "agents.deployments.requests"),
    views=(
        "streams.views.deployments.services",
        "streams.views.deployments.scoring",
        "streams.views.deployments.inference_protocol",
    ),
    commands=("streams.cli.deployments.commands",),
)
