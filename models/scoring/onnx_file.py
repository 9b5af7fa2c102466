"""ONNX files before they are used: read, looked through, and written anew as what is served.

- Refused are files that are no whole model, and any with data outside of the file, wherever in it: an engine that reads
  other files for a stranger's model reads whatever the stranger wants.
- ``ZipMap``, which makes a dictionary of each row of probabilities, is left out: with it a batch of 2,000 takes eleven
  times as long. Which class a column belongs to is kept beside the model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import onnx
import onnx.version_converter

from models.scoring.info import BadModelError

__all__ = ["Parsed", "parsed", "renewed"]

_ML: Final = "ai.onnx.ml"
_CLASSIFIERS: Final = ("LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier")
_PASSING: Final = (
    "ArrayFeatureExtractor",
    "Cast",
    "Flatten",
    "Identity",
    "Normalizer",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
)
_LINEAR: Final = ("Add", "Div", "Gemm", "Imputer", "MatMul", "Mul", "Scaler", "Sub", "Transpose", "Concat", *_PASSING)
_TODAY: Final = 13  # of the operators; all that engines and converters of 2021 and later know
_MOST_LOOKED_AT: Final = 1000  # nodes that lead to an output


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file that may be used: what is served of it, and what it says of itself.

    `classes` are those of its classifier; `ends` the names of operators that lead to each output, the nearest first;
    `linear` is whether nothing but arithmetic leads from the inputs to the outputs. `scores_only` is whether what
    stands where probabilities would be is none. `asked` is the task that the file itself names.
    """

    content: bytes
    algorithm: str
    classes: tuple[Any, ...]
    ends: dict[str, tuple[str, ...]]
    linear: bool
    scores_only: bool
    asked: str | None


def parsed(content: bytes) -> Parsed:
    """Look through a file; BadModelError where it may not be used."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # protobuf has several, in a package that is not ours
        raise BadModelError("the file is no ONNX model, or not a whole one: it cannot be read as protobuf") from error
    if not model.ir_version or not model.graph.output or not model.opset_import:
        raise BadModelError("the file is no ONNX model: it has no version, no operators' version or no output")
    _check_alone(model)
    _check_operators(model)
    classes = _without_zip_maps(model)
    nodes = {name: node for node in model.graph.node for name in node.output}
    ends = {output.name: tuple(_leading_to(output.name, nodes)) for output in model.graph.output}
    all_nodes = [node for node in nodes.values() if any(node.op_type in found for found in ends.values())]
    return Parsed(
        content=model.SerializeToString(),
        algorithm=_algorithm(model),
        classes=classes or _classes_of(model, all_nodes),
        ends=ends,
        linear=all(node.op_type in _LINEAR for node in model.graph.node),
        scores_only=_scores_only(model),
        asked=next((entry.value for entry in model.metadata_props if entry.key == "task"), None),
    )


def renewed(found: Parsed) -> Parsed | None:
    """The same model in operators of today, for engines leave the oldest versions out; None where that cannot be."""
    model = onnx.load_model_from_string(found.content)
    if all(one.domain or one.version >= _TODAY for one in model.opset_import):
        return None
    try:
        changed = onnx.version_converter.convert_version(model, _TODAY)
    except Exception:  # noqa: BLE001 - the converter is written in C++, and has no class of its own
        return None
    return parsed(changed.SerializeToString())


def _check_alone(model: onnx.ModelProto) -> None:
    """Whatever says that its data is elsewhere: initialisers, attributes, functions, subgraphs, training."""
    for message in _messages(model):
        if isinstance(message, onnx.TensorProto) and (
            message.data_location == onnx.TensorProto.EXTERNAL or message.external_data
        ):
            name = message.name[:80] or "a tensor"
            raise BadModelError(f"{name}: has its data outside of the file; put all data into the model file itself")


def _messages(message: Any) -> Iterator[Any]:
    """It, and all messages inside it, however deep."""
    waiting = [message]
    while waiting:
        one = waiting.pop()
        yield one
        for field, value in one.ListFields():
            if field.message_type is not None:
                waiting.extend([value] if hasattr(value, "ListFields") else value)


def _check_operators(model: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError, RecursionError, MemoryError) as error:
        text = str(error).strip().partition("\n")[0][:300]
        raise BadModelError(f"the file is no valid ONNX model: {text or type(error).__name__}") from error


def _without_zip_maps(model: onnx.ModelProto) -> tuple[Any, ...]:
    """Give the tensors out that the maps were made of; the classes of the last one."""
    classes: tuple[Any, ...] = ()
    kept = []
    for node in model.graph.node:
        if node.op_type != "ZipMap" or node.domain != _ML:
            kept.append(node)
            continue
        for attribute in node.attribute:
            classes = _labels(attribute) or classes
        kept.append(onnx.helper.make_node("Identity", [node.input[0]], [node.output[0]]))
        for output in model.graph.output:
            if output.name == node.output[0]:
                output.type.CopyFrom(
                    onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, (None, len(classes) or None))
                )
    if classes:
        del model.graph.node[:]
        model.graph.node.extend(kept)
    return classes


def _labels(attribute: onnx.AttributeProto) -> tuple[Any, ...]:
    if attribute.name in ("classlabels_ints", "classlabels_int64s"):
        return tuple(attribute.ints)
    if attribute.name == "classlabels_strings":
        return tuple(text.decode("utf-8", "replace") for text in attribute.strings)
    return ()


def _leading_to(name: str, nodes: dict[str, onnx.NodeProto]) -> Iterator[str]:
    """The operators on the way to an output, the nearest first."""
    waiting, seen = [name], set()
    for _ in range(_MOST_LOOKED_AT):
        if not waiting:
            return
        node = nodes.get(waiting.pop(0))
        if node is not None and id(node) not in seen:
            seen.add(id(node))
            yield node.op_type
            waiting.extend(node.input)


def _classes_of(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> tuple[Any, ...]:
    """Of a classifier without a map: its own attribute, or the array that labels are taken out of."""
    for node in nodes:
        if node.op_type in _CLASSIFIERS:
            for attribute in node.attribute:
                if labels := _labels(attribute):
                    return labels
    constants = {one.name: one for one in model.graph.initializer}
    for node in nodes:
        if node.op_type == "ArrayFeatureExtractor" and node.input[0] in constants:
            found = onnx.numpy_helper.to_array(constants[node.input[0]])
            return tuple(_text(one) for one in found.ravel().tolist())
    return ()


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _scores_only(model: onnx.ModelProto) -> bool:
    """Whether a classifier gives distances from its borders: support vectors without Platt's numbers, ridge."""
    followed = {node.op_type for node in model.graph.node}
    for node in model.graph.node:
        names = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type == "SVMClassifier" and not names.get("prob_a"):
            return True
        if node.op_type == "LinearClassifier" and "Normalizer" not in followed and "Softmax" not in followed:
            transform = names.get("post_transform")
            return transform is None or transform.s in (b"", b"NONE")
    return False


def _algorithm(model: onnx.ModelProto) -> str:
    """Its operator of machine learning, such as ``TreeEnsembleClassifier``; else who made it."""
    known = (node.op_type for node in model.graph.node if node.domain == _ML)
    telling: list[str] = [name for name in known if name.endswith(("Classifier", "Regressor"))]
    if telling:
        return telling[-1]
    return str(model.producer_name[:100] or model.graph.name[:100] or "ONNX")
