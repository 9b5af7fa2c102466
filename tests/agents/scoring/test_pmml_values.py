"""Values of PMML fields through the engine: missing, invalid, whole numbers and truths (contract S-046, S-049)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from streams.scoring.calls import Inspection
from streams.scoring.state import ScoringState
from tests.agents.bench import Worker
from tests.agents.scoring.test_trials import answers, served

REGRESSION = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><DataDictionary>
<DataField name="age" optype="continuous" dataType="integer">
<Interval closure="closedClosed" leftMargin="0" rightMargin="120"/></DataField>
<DataField name="job" optype="categorical" dataType="string"><Value value="clerk"/><Value value="nurse"/>
<Value value="?" property="missing"/></DataField>
<DataField name="ill" optype="categorical" dataType="boolean"/>
<DataField name="kind" optype="categorical" dataType="integer"><Value value="0"/><Value value="1"/></DataField>
<DataField name="y" optype="continuous" dataType="double"/></DataDictionary>
<RegressionModel functionName="regression"><MiningSchema><MiningField name="age"{replaced}/>
<MiningField name="job" missingValueReplacement="clerk"/><MiningField name="ill"/><MiningField name="kind"/>
<MiningField name="y" usageType="target"/></MiningSchema><RegressionTable intercept="0">
<NumericPredictor name="age" coefficient="0.5"/><CategoricalPredictor name="job" value="nurse" coefficient="100"/>
<CategoricalPredictor name="ill" value="true" coefficient="1000"/>
<CategoricalPredictor name="ill" value="false" coefficient="2000"/>
<CategoricalPredictor name="kind" value="1" coefficient="10000"/></RegressionTable></RegressionModel></PMML>"""
TREE = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><DataDictionary>
<DataField name="a" optype="continuous" dataType="double"/>
<DataField name="c" optype="categorical" dataType="integer"><Value value="0"/><Value value="1"/></DataField>
</DataDictionary><TreeModel functionName="classification" missingValueStrategy="nullPrediction"><MiningSchema>
<MiningField name="a"/><MiningField name="c" usageType="target"/></MiningSchema><Node score="0"><True/>
<Node score="0"><SimplePredicate field="a" operator="lessThan" value="1"/>
<ScoreDistribution value="0" recordCount="3"/><ScoreDistribution value="1" recordCount="1"/></Node>
<Node score="1"><SimplePredicate field="a" operator="greaterOrEqual" value="1"/>
<ScoreDistribution value="0" recordCount="1"/><ScoreDistribution value="1" recordCount="3"/></Node>
</Node></TreeModel></PMML>"""
# Types of inputs matter to the engine: it tells 2 from 2.0, and whole numbers that are categories from others.
COMPARED = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><DataDictionary>
<DataField name="kind" optype="{optype}" dataType="integer">{listed}</DataField>
<DataField name="flag" optype="categorical" dataType="boolean"/>
<DataField name="y" optype="continuous" dataType="double"/></DataDictionary><TransformationDictionary>
<DerivedField name="two" optype="continuous" dataType="double">
<Apply function="if"><Apply function="equal"><FieldRef field="kind"/><Constant{constant}>2</Constant></Apply>
<Constant>500</Constant><Constant>1</Constant></Apply></DerivedField></TransformationDictionary>
<TreeModel functionName="regression"><MiningSchema><MiningField name="kind"/><MiningField name="flag"/>
<MiningField name="y" usageType="target"/></MiningSchema><Node score="0"><True/>
<Node score="7"><SimplePredicate field="flag" operator="equal" value="true"/></Node>
<Node score="8"><SimplePredicate field="flag" operator="equal" value="false"/></Node>
<Node score="5"><SimplePredicate field="kind" operator="equal" value="4"/></Node>
<Node score="6"><SimplePredicate field="two" operator="greaterThan" value="400"/></Node>
<Node score="1"><SimplePredicate field="kind" operator="isNotMissing"/></Node>
<Node score="-1"><True/></Node></Node></TreeModel></PMML>"""
ONE = {"age": 30, "job": "nurse", "ill": True, "kind": 1}


@pytest.fixture
async def scoring(state: Worker) -> AsyncIterator[ScoringState]:
    """The processes of a worker."""
    yield ScoringState.of(state.runtime)
    await ScoringState.of(state.runtime).close()


def numbers(found: Any) -> list[float | None]:
    """What was predicted."""
    assert isinstance(found, list), found
    return [one["prediction"] for one in found]


@pytest.mark.slow
async def test_S046_missing_whole_numbers_and_truths(state: Worker, scoring: ScoringState) -> None:
    """The engine took a missing whole number for the least there is and a missing truth for false, without a word."""
    model = await served(state, scoring, REGRESSION.format(replaced=' missingValueReplacement="40"').encode(), "pmml")
    sent = [{**ONE, name: None} for name in ONE]

    assert numbers(await answers(scoring, model, {"X": [ONE, *sent]})) == [11115, 11120, 11015, 10115, 1115]
    assert numbers(await answers(scoring, model, {"X": [{**ONE, "job": "?"}] * 9})) == [11015] * 9


@pytest.mark.parametrize(
    ("optype", "listed", "constant"),
    [
        ("continuous", "", ' dataType="integer"'),
        ("continuous", "", ' dataType="double"'),
        ("categorical", "1234", ' dataType="integer"'),
        ("categorical", "1234", ""),
    ],
)
@pytest.mark.slow
async def test_S046_whole_numbers_and_truths_are_compared_as_the_file_says(
    state: Worker, scoring: ScoringState, optype: str, listed: str, constant: str
) -> None:
    """Beside missing ones too, one record or many: as doubles they equalled nothing, or the place in the list."""
    values = "".join(f'<Value value="{one}"/>' for one in listed)
    model = await served(
        state, scoring, COMPARED.format(optype=optype, listed=values, constant=constant).encode(), "pmml"
    )
    sent = [
        {"kind": kind, "flag": flag}
        for kind, flag in [(1, None), (2, None), (3, None), (4, None), (None, None), (None, True), (2, False)]
    ]

    for one, wanted in zip(sent, [1, 6, 1, 5, -1, 7, 8], strict=True):
        for records in (1, 20):
            assert numbers(await answers(scoring, model, {"X": [one] * records})) == [wanted] * records, one
    assert numbers(await answers(scoring, model, {"X": sent * 20})) == [1, 6, 1, 5, -1, 7, 8] * 20


@pytest.mark.slow
async def test_S049_what_a_field_cannot_be_is_named(state: Worker, scoring: ScoringState) -> None:
    """A number outside of its interval, too; a value in an array of its own is that value, several are refused."""
    model = await served(state, scoring, REGRESSION.format(replaced="").encode(), "pmml")

    told = await answers(scoring, model, {"X": [ONE, {**ONE, "age": 121}]})
    assert told == "X, record 2, age: expected a number from 0 to 120, not 121"
    assert "job: expected one of clerk, nurse" in await answers(scoring, model, {"X": {**ONE, "job": "pilot"}})
    columns = {name: [[value], [value]] for name, value in ONE.items()}
    assert numbers(await answers(scoring, model, {"X": columns})) == [11115, 11115]
    assert "age: expected a whole number, not an array" in await answers(
        scoring, model, {"X": [{**ONE, "age": [1, 2]}]}
    )


@pytest.mark.slow
async def test_S047_no_label_is_null(state: Worker, scoring: ScoringState) -> None:
    """It was the least whole number there is; the records beside it change nothing of an answer."""
    model = await served(state, scoring, TREE.encode(), "pmml")
    nothing, one = {"label": None, "probabilities": None}, {"label": 1, "probabilities": {"0": 0.25, "1": 0.75}}

    assert await answers(scoring, model, {"X": [{"a": None}]}) == [nothing]
    assert await answers(scoring, model, {"X": [{"a": None}, {"a": 2}] * 6}) == [nothing, one] * 6


COUNTED = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><DataDictionary>
<DataField name="at" optype="continuous" dataType="{kind}"/>
<DataField name="y" optype="continuous" dataType="double"/></DataDictionary>
<RegressionModel functionName="regression"><MiningSchema><MiningField name="at" missingValueReplacement="-1"/>
<MiningField name="y" usageType="target"/></MiningSchema><RegressionTable intercept="0">
<NumericPredictor name="at" coefficient="1"/></RegressionTable></RegressionModel></PMML>"""


@pytest.mark.parametrize(
    ("kind", "sent", "number", "wrong"),
    [
        ("dateDaysSince[1970]", "2020-01-31", 18_292, "2020-02-30"),
        ("dateDaysSince[1960]", "1959-12-31", -1, "yesterday"),
        ("dateTimeSecondsSince[1970]", "2020-01-31T10:20:30", 1_580_466_030, "2020-01-31T10:20:30+02:00"),
        ("timeSeconds", "10:20:30", 37_230, "25:00:00"),
    ],
)
@pytest.mark.slow
async def test_S046_S049_days_and_seconds(
    state: Worker, scoring: ScoringState, kind: str, sent: str, number: int, wrong: str
) -> None:
    """As numbers, which were refused, or as what they count, which was a missing value without a word."""
    model = await served(state, scoring, COUNTED.format(kind=kind).encode(), "pmml")

    for records in (1, 20):
        asked = [{"at": value} for value in (sent, number, str(number), None)]
        assert numbers(await answers(scoring, model, {"X": asked * records})) == [number, number, number, -1] * records
    for value in (wrong, True):
        told = await answers(scoring, model, {"X": [{"at": sent}, {"at": value}]})
        assert told.startswith(f"X, record 2, at: expected a number, or a text that is one of {kind}, such as ")


@pytest.mark.parametrize("kind", ["date", "time", "dateTime"])
@pytest.mark.slow
async def test_S034_dates_that_the_engine_cannot_compute_with(state: Worker, scoring: ScoringState, kind: str) -> None:
    """Refused, with the remedy: each value would be a missing one, and the answer another model's."""
    store, settings = state.runtime.store, state.runtime.settings
    store.put_bytes("producer/model", COUNTED.format(kind=kind).encode())
    reply = await scoring.inspectors.look(Inspection(settings.object_store_url, "producer/model", "pmml"))

    assert reply.error is not None
    assert f"'at' is of the type {kind}" in reply.error
    assert "dateDaysSince[1970]" in reply.error
