"""What PMML fields allow, and what of a file is changed so that values can be missing (contract S-049)."""

from typing import Any
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

from models.errors import RejectedInputError
from models.scoring.info import BadModelError, Variable
from models.scoring.pmml_domains import Domain, domain_of
from models.scoring.pmml_file import parsed

AGE = Variable("age", "integer", "continuous")
FILE = """<?xml version="1.0" encoding="{encoding}"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><DataDictionary>
<DataField name="年龄" optype="continuous" dataType="integer"/>
<DataField name="flag" optype="categorical" dataType="boolean"/>
<DataField name="computed" optype="categorical" dataType="boolean"/>
<DataField name="y" optype="continuous" dataType="double"/></DataDictionary>
<RegressionModel functionName="regression"><MiningSchema><MiningField name="年龄"/><MiningField name="flag"/>
<MiningField name="computed"/><MiningField name="y" usageType="target"/></MiningSchema>
<LocalTransformations><DerivedField name="d" optype="categorical" dataType="boolean"><Apply function="not">
<FieldRef field="computed"/></Apply></DerivedField></LocalTransformations>
<RegressionTable intercept="1"><NumericPredictor name="年龄" coefficient="0.5"/></RegressionTable>
</RegressionModel></PMML>"""


def domain(text: str, *, strict: bool = True, values: tuple[str, ...] = ()) -> Domain:
    """Of a DataField with these children."""
    field = fromstring(f'<DataField name="age" optype="continuous" dataType="integer">{text}</DataField>')
    plan = {"strict": ["age"] if strict else [], "domains": {"age": domain_of(field)}}
    return Domain.of(Variable("age", "integer", "continuous", values), plan)


@pytest.mark.parametrize(
    ("interval", "inside", "outside", "words"),
    [
        ('closure="closedClosed" leftMargin="0" rightMargin="120"', [0, 120], -1, "a number from 0 to 120, not -1"),
        ('closure="openOpen" leftMargin="0" rightMargin="120"', [1, 119.5], 120, "above 0 below 120, not 120"),
        ('closure="openClosed" leftMargin="0" rightMargin="1"', [0.5, 1], 0, "a number above 0 to 1, not 0"),
        ('closure="closedOpen" leftMargin="0"', [0, 1e9], -0.5, "a number from 0, not -0.5"),
        ('closure="closedClosed" rightMargin="5"', [-1e9, 5], 6, "a number to 5, not 6"),
    ],
)
def test_S049_a_number_outside_of_its_interval_is_named(
    interval: str, inside: list[float], outside: float, words: str
) -> None:
    """It was answered with null; a missing one stays, and where the file treats invalid values all are let through."""
    found = domain(f"<Interval {interval}/>")

    assert found.within(AGE, np.array([*inside, np.nan])).shape == (len(inside) + 1,)
    with pytest.raises(RejectedInputError) as caught:
        found.within(AGE, np.array([*inside, outside]))
    assert caught.value.field == "age"
    assert f"record {len(inside) + 1}, age: " in caught.value.message
    assert words in caught.value.message
    treated = domain(f"<Interval {interval}/>", strict=False)
    assert len(treated.within(AGE, np.array([float(outside)])))


def test_one_of_several_intervals_or_a_listed_value_is_enough() -> None:
    """As the standard says of continuous fields."""
    two = '<Interval closure="closedClosed" rightMargin="1"/><Interval closure="closedClosed" leftMargin="5"/>'
    found = domain(two, values=("3",))

    found.check(AGE, 0, 3)
    assert len(found.within(AGE, np.array([0.0, 3.0, 9.0])))
    with pytest.raises(RejectedInputError, match="to 1 or from 5, not 2"):
        found.within(AGE, np.array([2.0]))


@pytest.mark.parametrize(("value", "missing"), [(-999, True), (-999.0, True), (0, False), ("-999", True)])
def test_values_that_stand_for_missing(value: Any, missing: bool) -> None:
    """Numbers however they are written; no value is missing where the file names none."""
    assert domain('<Value value="-999" property="missing"/>').is_missing(value) is missing
    assert not domain("").is_missing(value)


def test_a_value_that_the_file_calls_invalid() -> None:
    """Is refused, unless the file says what to do with it."""
    text = '<Value value="0" property="invalid"/>'
    with pytest.raises(RejectedInputError, match="age: expected another value, for the file calls it invalid, not 0"):
        domain(text).check(AGE, 0, 0)
    domain(text, strict=False).check(AGE, 0, 0)


def test_an_interval_without_numbers() -> None:
    """No traceback, but the field."""
    with pytest.raises(BadModelError, match="Interval of the DataField 'age'"):
        domain('<Interval closure="openOpen" leftMargin="a"/>')


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK", "gb18030", "Big5"])
def test_S031_files_in_encodings_of_east_asia(encoding: str) -> None:
    """The XML parser reads none of them; the names of fields are right, and a document type is refused all the same."""
    text = FILE.format(encoding=encoding).replace("年龄", "年龄" if encoding != "Big5" else "年齡")

    assert parsed(text.encode(encoding)).info.inputs[0].name in ("年龄", "年齡")
    with pytest.raises(BadModelError, match="DOCTYPE"):
        parsed(text.replace("<PMML", "<!DOCTYPE PMML [<!ENTITY a 'b'>]><PMML").encode(encoding))
