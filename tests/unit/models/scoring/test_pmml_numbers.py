"""What compared values of a PMML file become before the engine sees them."""

from xml.etree.ElementTree import fromstring, tostring

import pytest

from models.scoring.pmml_numbers import with_comparable_values

FIELDS = (
    '<DataField name="whole" dataType="integer"/><DataField name="real" dataType="double"/>'
    '<DataField name="flag" dataType="boolean"/><DataField name="text" dataType="string"/>'
)


def rewritten(comparison: str, space: str = "") -> str:
    """The comparison as it is afterwards."""
    root = fromstring(f"<PMML{space}>{FIELDS}{comparison}</PMML>")
    with_comparable_values(root, "{http://www.dmg.org/PMML-4_4}" if space else "")
    return tostring(root[-1], encoding="unicode")


def real(element: str) -> str:
    """A number that became a real."""
    return f'<Apply function="+">{element}<Constant dataType="double">0</Constant></Apply>'


def ref(name: str) -> str:
    """A field."""
    return f'<FieldRef field="{name}" />'


@pytest.mark.parametrize("function", ["equal", "notEqual", "isIn", "isNotIn"])
@pytest.mark.parametrize("name", ["whole", "real"])
@pytest.mark.parametrize("kind", [' dataType="integer"', ' dataType="double"', ' dataType="float"', ""])
def test_numbers_are_compared_as_reals(function: str, name: str, kind: str) -> None:
    """Whatever the field and the constant are, and on both sides of a constant."""
    found = rewritten(f'<Apply function="{function}">{ref(name)}<Constant{kind}>2</Constant></Apply>')

    constant = '<Constant dataType="double">2</Constant>'
    assert found == f'<Apply function="{function}">{real(ref(name))}{constant}</Apply>'


def test_expressions_and_fields_beside_one_another() -> None:
    """Sums and two fields of different types; a condition, where both of its branches are numbers."""
    total = f'<Apply function="+">{ref("whole")}{ref("real")}</Apply>'
    chosen = f'<Apply function="if">{ref("flag")}{ref("whole")}{ref("real")}</Apply>'

    for one in (total, chosen, ref("real")):
        found = rewritten(f'<Apply function="equal">{one}{ref("whole")}</Apply>')
        assert found == f'<Apply function="equal">{real(one)}{real(ref("whole"))}</Apply>'


def test_truths() -> None:
    """A constant beside one is a truth."""
    found = rewritten(f'<Apply function="equal">{ref("flag")}<Constant>true</Constant></Apply>')

    assert '<Constant dataType="boolean">true</Constant>' in found


@pytest.mark.parametrize(
    "comparison",
    [
        f'<Apply function="equal">{ref("text")}<Constant>2</Constant></Apply>',
        f'<Apply function="equal">{ref("text")}<Constant dataType="integer">2</Constant></Apply>',
        f'<Apply function="equal">{ref("whole")}<Constant>two</Constant></Apply>',
        f'<Apply function="equal">{ref("nowhere")}<Constant>2</Constant></Apply>',
        f'<Apply function="equal">{ref("whole")}{ref("flag")}</Apply>',
        f'<Apply function="lessThan">{ref("whole")}<Constant dataType="integer">2</Constant></Apply>',
        '<Apply function="equal"><Constant>2</Constant><Constant>2</Constant></Apply>',
    ],
)
def test_what_may_be_a_text_stays(comparison: str) -> None:
    """Also what is compared in order: the engine knows that of all numbers."""
    assert rewritten(comparison) == comparison


def test_namespaces() -> None:
    """As real files have them."""
    found = rewritten(
        '<Apply function="equal"><FieldRef field="real"/><Constant>2</Constant></Apply>',
        ' xmlns="http://www.dmg.org/PMML-4_4"',
    )

    assert 'dataType="double">2<' in found
