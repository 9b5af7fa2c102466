"""PMML files before they are used: read without a document type, and written anew, so that Java sees what was checked.

A document type is refused whatever it says: entities may be files or addresses of the stranger's choice, or a billion
laughs. Encodings are read here; what is kept is UTF-8.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, SubElement, register_namespace, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from models.scoring.info import BadModelError, ModelInfo, Task, Variable
from models.scoring.pmml_domains import INSTEAD, TIMES, domain_of
from models.scoring.pmml_numbers import with_comparable_values

__all__ = ["Parsed", "parsed"]

_MODELS: Final = (
    "AnomalyDetectionModel",
    "AssociationModel",
    "BaselineModel",
    "BayesianNetworkModel",
    "ClusteringModel",
    "GaussianProcessModel",
    "GeneralRegressionModel",
    "MiningModel",
    "NaiveBayesModel",
    "NearestNeighborModel",
    "NeuralNetwork",
    "RegressionModel",
    "RuleSetModel",
    "Scorecard",
    "SequenceModel",
    "SupportVectorMachineModel",
    "TextModel",
    "TimeSeriesModel",
    "TreeModel",
)
_VERSIONS: Final = re.compile(r"[34]\.\d(\.\d)?")
_DECLARED: Final = re.compile(rb"""(<\?xml[^>]{0,100}?encoding\s*=\s*["'])([A-Za-z0-9._-]{1,20})(["'])""")
_EAST_ASIAN: Final = (b"gbk", b"gb2312", b"gb18030", b"big5", b"shift_jis", b"euc-jp", b"euc-kr")
_ASKED: Final = ("", "active", "group")  # a group is what association rules call the basket of items
_TARGETS: Final = ("target", "predicted")
_NUMBERS: Final = ("integer", "float", "double")
_TASKS: Final[Mapping[str, Task]] = {
    "classification": Task.CLASSIFICATION,
    "regression": Task.REGRESSION,
    "clustering": Task.CLUSTERING,
}
_LONGEST_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file that may be tried: what is served of it, what it says of itself, and what its fields may be."""

    content: bytes
    info: ModelInfo
    plan: dict[str, Any]


def parsed(content: bytes, asked: str | None = None) -> Parsed:
    """Look through a file; BadModelError where it may not be used."""
    root = _root(content)
    version = root.get("version", "")
    if not _VERSIONS.fullmatch(version):
        raise BadModelError(f"PMML: its version is {version[:20]!r}, expected one from 3.0 to 4.4")
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    fields = _fields(root, space)
    model = next((child for child in root if _name(child) in _MODELS), None)
    algorithm = "TransformationDictionary" if model is None else _name(model)
    if model is None:
        model = _transforming(root, space, fields)
    schema = _schema(model, space)
    inputs = tuple(_variable(fields, name) for name, usage in schema if usage in _ASKED)
    _check_times(inputs)
    targets = tuple(_variable(fields, name) for name, usage in schema if usage in _TARGETS)
    task = _task(model, space, targets)
    if task is Task.CLUSTERING:
        _with_outputs(model, space)
    if asked and asked != task:
        raise BadModelError(f"task: is {asked}, but the file is a {task}: leave the task out")
    info = ModelInfo("pmml", task, algorithm, "", inputs, targets or _outputs(model, space))
    with_comparable_values(root, space)
    register_namespace("", space.strip("{}"))
    plan: dict[str, Any] = {"strict": [it.name for it in inputs if _refuses_others(model, space, it.name)]}
    plan["domains"] = {it.name: domain_of(fields[it.name]) for it in inputs}
    try:
        return Parsed(tostring(root, encoding="utf-8", xml_declaration=True), info, plan)
    except (RecursionError, ValueError) as error:
        raise BadModelError(
            "PMML: its elements lie too deep in one another, or their names cannot be written"
        ) from error


def _root(content: bytes) -> Element:
    try:
        root: Element = fromstring(_in_utf8(content), forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        text = "PMML: it has a document type (DOCTYPE); remove it, for entities are not read"
        raise BadModelError(text) from error
    except ParseError as error:
        raise BadModelError(f"PMML: it is no well-formed XML: {error}") from error
    except (ValueError, LookupError, RecursionError) as error:  # encodings that nobody reads
        raise BadModelError(f"PMML: it cannot be read: {str(error)[:200]}") from error
    if _name(root) != "PMML":
        raise BadModelError(f"PMML: its root element is {_name(root)[:_LONGEST_SHOWN]}, expected PMML")
    return root


def _in_utf8(content: bytes) -> bytes:
    """A file in an encoding of East Asia in UTF-8: the parser reads none of more than one byte a character."""
    declared = _DECLARED.match(content)
    if declared is None or declared[2].lower() not in _EAST_ASIAN:
        return content
    text = content[declared.end() :].decode(declared[2].decode())  # UnicodeDecodeError is a ValueError
    return declared[1] + b"UTF-8" + declared[3] + text.encode()


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _fields(root: Element, space: str) -> Mapping[str, Element]:
    dictionary = root.find(f"{space}DataDictionary")
    if dictionary is None:
        raise BadModelError("PMML: the element DataDictionary is missing")
    fields = {}
    for field in dictionary.findall(f"{space}DataField"):
        name, kind = field.get("name"), field.get("dataType")
        if not name or not kind:
            raise BadModelError("PMML: a DataField lacks its name or dataType")
        fields[name] = field
    return fields


def _schema(model: Element, space: str) -> Sequence[tuple[str, str]]:
    schema = model.find(f"{space}MiningSchema")
    if schema is None:
        raise BadModelError(f"PMML: the element MiningSchema of {_name(model)} is missing")
    return [(field.get("name", ""), field.get("usageType", "")) for field in schema.findall(f"{space}MiningField")]


def _variable(fields: Mapping[str, Element], name: str) -> Variable:
    field = fields.get(name)
    if field is None:
        raise BadModelError(f"PMML: the MiningField {name[:_LONGEST_SHOWN]!r} is in no DataDictionary")
    values = tuple(
        one.get("value", "") for one in field if _name(one) == "Value" and one.get("property", "valid") == "valid"
    )
    return Variable(name, field.get("dataType", "string"), field.get("optype"), values)


def _check_times(inputs: Sequence[Variable]) -> None:
    """BadModelError where the engine would take whatever is sent for a missing value, without a word."""
    found = next((it for it in inputs if it.type in TIMES), None)
    if found is not None:
        raise BadModelError(
            f"PMML: the field {found.name[:_LONGEST_SHOWN]!r} is of the type {found.type}, which the engine does not "
            f"compute with: {INSTEAD}"
        )


def _refuses_others(model: Element, space: str, name: str) -> bool:
    """Whether a value that its field does not list has no answer: so it is by default."""
    schema = model.find(f"{space}MiningSchema")
    assert schema is not None
    found = (field for field in schema if field.get("name") == name)
    return all(field.get("invalidValueTreatment", "returnInvalid") == "returnInvalid" for field in found)


def _task(model: Element, space: str, targets: Sequence[Variable]) -> Task:
    """A regression without a target that gives transformed values alone is a dimension reduction, such as PCA."""
    task = _TASKS.get(model.get("functionName", ""), Task.OTHER)
    if _name(model) == "AnomalyDetectionModel":
        return Task.OTHER
    features = [field.get("feature", "predictedValue") for field in model.iterfind(f"{space}Output/{space}OutputField")]
    if task is Task.REGRESSION and not targets and features and set(features) == {"transformedValue"}:
        return Task.DIMENSION_REDUCTION
    return task


def _outputs(model: Element, space: str) -> tuple[Variable, ...]:
    """What a model without a target gives."""
    found = model.iterfind(f"{space}Output/{space}OutputField")
    return tuple(Variable(one.get("name", ""), one.get("dataType", "double"), one.get("optype")) for one in found)


def _with_outputs(model: Element, space: str) -> None:
    """Let a clustering give its cluster, and how near each is, where it says nothing of outputs."""
    if model.find(f"{space}Output") is not None:
        return
    output = Element(f"{space}Output")
    SubElement(
        output, f"{space}OutputField", name="cluster", feature="predictedValue", optype="categorical", dataType="string"
    )
    for index, cluster in enumerate(model.findall(f"{space}Cluster"), 1):
        value = cluster.get("id") or str(index)
        SubElement(
            output,
            f"{space}OutputField",
            name=f"affinity({value})",
            feature="affinity",
            value=value,
            optype="continuous",
            dataType="double",
        )
    places = [place for place, child in enumerate(model) if _name(child) in ("Extension", "MiningSchema")]
    model.insert(places[-1] + 1, output)


def _transforming(root: Element, space: str, fields: Mapping[str, Element]) -> Element:
    """A file of transformations alone, as one writes PCA: a model that gives those which no other is made of."""
    dictionary = root.find(f"{space}TransformationDictionary")
    derived = [] if dictionary is None else dictionary.findall(f"{space}DerivedField")
    if not derived:
        raise BadModelError(f"PMML: it has no model; expected one of {', '.join(_MODELS)}")
    used = {ref.get("field") for one in derived for ref in one.iter(f"{space}FieldRef")}
    model = SubElement(root, f"{space}RegressionModel", functionName="regression")
    schema = SubElement(model, f"{space}MiningSchema")
    for name in fields:
        SubElement(schema, f"{space}MiningField", name=name)
    output = SubElement(model, f"{space}Output")
    for one in (one for one in derived if one.get("name") not in used):
        name = one.get("name", "")
        field = SubElement(
            output,
            f"{space}OutputField",
            name=f"{name}_value",
            feature="transformedValue",
            optype=one.get("optype", "continuous"),
            dataType=one.get("dataType", "double"),
        )
        SubElement(field, f"{space}FieldRef", field=name)
    SubElement(model, f"{space}RegressionTable", intercept="0")
    return model
