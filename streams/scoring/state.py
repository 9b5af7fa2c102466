"""What the state has for users' models: their rows, and the processes that look at them and let them answer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from schemas.scoring import ModelRecord
from streams.rows.event_table import RecordTable
from streams.runtime import Part, StateRuntime
from streams.scoring.processes import Inspectors, TrialPool

__all__ = ["ModelUses", "ScoringState", "open_state"]


class ModelUses:
    """Who uses a model, asked before one is removed (contract S-040)."""

    def __init__(self) -> None:
        self._ask: list[Callable[[str], Iterable[str]]] = []

    def add(self, ask: Callable[[str], Iterable[str]]) -> None:
        """Let `ask` name the running services of a model; it is called in a thread, and may look into the store."""
        self._ask.append(ask)

    def of(self, name: str) -> list[str]:
        """The services that use the model, of whichever worker."""
        return sorted({service for ask in self._ask for service in ask(name)})


@dataclass(frozen=True, kw_only=True)
class ScoringState(Part):
    """The table `models` has the rows of the names that this worker owns.

    A model of any name is found by `connectors.objects.scoring_models.manifest`, which every worker sees: a service
    needs no other worker's row to know its model.
    """

    models: RecordTable[ModelRecord]
    inspectors: Inspectors
    trials: TrialPool
    uses: ModelUses = field(default_factory=ModelUses)

    async def close(self) -> None:
        """End the processes."""
        await self.inspectors.close()
        await self.trials.close()


def open_state(runtime: StateRuntime) -> Part:
    """The state's part."""
    return ScoringState(
        models=RecordTable(runtime.app, "models", runtime.topics.models_changelog, **runtime.table_options),
        inspectors=Inspectors(runtime.settings),
        trials=TrialPool(runtime.settings),
    )
