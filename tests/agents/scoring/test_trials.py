"""Models answer in processes that others share: right, and again after such a process was killed (fault 54)."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from streams.scoring.calls import Inspection, ServedModel
from streams.scoring.state import ScoringState
from streams.settings import Settings
from tests.agents.bench import Worker
from tests.iris_models import SPECIES, maker, model_file, records, trained

# One tree that says what to do with values that are not among those of its field, and one that does not.
COLOURS = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>
<DataDictionary><DataField name="colour" optype="categorical" dataType="string">
<Value value="red"/><Value value="blue"/></DataField>
<DataField name="grade" optype="ordinal" dataType="integer"/>
<DataField name="ripe" optype="categorical" dataType="integer"><Value value="0"/><Value value="1"/></DataField>
</DataDictionary>
<TreeModel functionName="classification"><MiningSchema><MiningField name="colour"{treatment}/>
<MiningField name="grade"/><MiningField name="ripe" usageType="target"/></MiningSchema>
<Node score="0"><True/><Node score="1"><SimplePredicate field="colour" operator="equal" value="red"/></Node>
<Node score="0"><True/></Node></Node></TreeModel></PMML>"""


@pytest.fixture
async def scoring(state: Worker) -> AsyncIterator[ScoringState]:
    """The processes of a worker."""
    yield ScoringState.of(state.runtime)
    await ScoringState.of(state.runtime).close()


async def served(state: Worker, scoring: ScoringState, content: bytes, kind: str) -> ServedModel:
    """A model as a pool knows it."""
    store, settings = state.runtime.store, state.runtime.settings
    store.put_bytes("producer/model", content)
    reply = await scoring.inspectors.look(Inspection(settings.object_store_url, "producer/model", kind))
    assert reply.error is None, reply.error
    store.put_bytes(f"scoring-models/m-{kind}/1/served", reply.served)
    return ServedModel(kind, f"scoring-models/m-{kind}/1/served", kind)


async def answers(scoring: ScoringState, model: ServedModel, content: Any) -> Any:
    """What it answers, or why not."""
    reply = await scoring.trials.ask(model, json.dumps(content).encode())
    return json.loads(reply.content)["result"] if reply.error is None else reply.error


@pytest.mark.parametrize("name", ["tree", "scaled", "network", "tree_regression"])
@pytest.mark.slow
async def test_S019_pmml_says_what_scikit_learn_says(state: Worker, scoring: ScoringState, name: str) -> None:
    """Trees, a pipeline with a scaler, a neural network: labels and probabilities of 150 flowers."""
    columns = 3 if name.endswith("regression") else 4
    x, model = maker().iris()[0][:, :columns], trained()[name]
    found = await answers(
        scoring,
        await served(state, scoring, model_file(f"iris_{name}.pmml"), "pmml"),
        {"X": records(columns=columns)},
    )

    if columns == 3:
        assert np.allclose([one["prediction"] for one in found], model.predict(x))
        return
    assert [one["label"] for one in found] == model.predict(x).tolist()
    assert np.allclose([[one["probabilities"][kind] for kind in SPECIES] for one in found], model.predict_proba(x))


@pytest.mark.slow
async def test_S049_values_of_categorical_fields(state: Worker, scoring: ScoringState) -> None:
    """One that is not among them is named, unless the file knows what to do with it; a whole target is a number."""
    strict = await served(state, scoring, COLOURS.format(treatment="").encode(), "pmml")

    assert [one["label"] for one in await answers(scoring, strict, {"X": [["red", 1], ["blue", 2], [None, 3]]})] == [
        1,
        0,
        0,
    ]
    told = await answers(scoring, strict, {"X": [["red", 1], ["green", 1]]})
    assert told == 'X, record 2, colour: expected one of blue, red, not "green"'
    assert "grade: expected a whole number, not 1.5" in await answers(scoring, strict, {"X": [["red", 1.5]]})
    assert "colour: expected a text, not 7" in await answers(scoring, strict, {"X": [[7, 1]]})


@pytest.mark.slow
async def test_54_a_killed_process_is_replaced(state: Worker, scoring: ScoringState) -> None:
    """Idle or at work: whoever asks has an answer, and no process stays behind."""
    model = await served(state, scoring, model_file("iris_tree.pmml"), "pmml")
    call = {"X": records(3)}
    first = await answers(scoring, model, call)
    (killed,) = scoring.trials.pids
    os.kill(killed, signal.SIGKILL)

    assert await answers(scoring, model, call) == first
    asked = [asyncio.ensure_future(answers(scoring, model, call)) for _ in range(8)]
    await asyncio.sleep(0)
    for pid in scoring.trials.pids:
        os.kill(pid, signal.SIGKILL)
    assert await asyncio.gather(*asked) == [first] * 8
    assert killed not in scoring.trials.pids


async def test_a_model_that_is_gone(state: Worker, scoring: ScoringState, settings: Settings) -> None:
    """Is missing, whoever asks."""
    with pytest.raises(Exception, match="has been removed"):
        await answers(scoring, ServedModel("nobody", "scoring-models/m-nobody/1/served", "onnx"), {"X": []})
