"""Small ONNX files made by hand: what converters do not make, and what attackers do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

__all__ = ["external", "graph_of", "loop", "model_of", "with_shape"]

FLOAT = TensorProto.FLOAT


def value(name: str, shape: Any = ("N", 4), kind: int = FLOAT) -> onnx.ValueInfoProto:
    """An input or output."""
    return helper.make_tensor_value_info(name, kind, shape)


def graph_of(
    nodes: Sequence[onnx.NodeProto], inputs: Any = (), outputs: Any = (), tensors: Any = (), **more: Any
) -> onnx.GraphProto:
    """A graph from x to y, where nothing else is said."""
    return helper.make_graph(
        list(nodes), "g", list(inputs) or [value("x")], list(outputs) or [value("y")], list(tensors), **more
    )


def model_of(graph: onnx.GraphProto, *, opset: int = 18, **more: Any) -> bytes:
    """The file."""
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9, **more).SerializeToString())


def external(location: str, where: str) -> bytes:
    """A model with data in another file: in an initialiser, a constant, sparse ones, a subgraph, a function."""
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    plain = helper.make_tensor("w", FLOAT, [4], [1.0] * 4)
    indices = helper.make_tensor("i", TensorProto.INT64, [4], range(4))
    sparse = onnx.SparseTensorProto(values=tensor, indices=indices, dims=[4])
    add = helper.make_node("Add", ["x", "w"], ["y"])
    if where == "initializer":
        return model_of(graph_of([add], tensors=[tensor]))
    if where == "sparse initializer":
        return model_of(graph_of([add], sparse_initializer=[sparse]))
    if where == "constant":
        return model_of(graph_of([helper.make_node("Constant", [], ["w"], value=tensor), add]))
    if where == "sparse constant":
        return model_of(graph_of([helper.make_node("Constant", [], ["w"], sparse_value=sparse), add]))
    if where == "subgraph":
        branch = helper.make_graph([helper.make_node("Identity", ["w"], ["z"])], "b", [], [value("z", [4])], [tensor])
        condition = helper.make_tensor("c", TensorProto.BOOL, [], [True])
        choose = helper.make_node("If", ["c"], ["w"], then_branch=branch, else_branch=branch)
        return model_of(graph_of([choose, add], tensors=[condition]))
    assert where == "function"
    body = [helper.make_node("Constant", [], ["w"], value=tensor), helper.make_node("Add", ["a", "w"], ["b"])]
    function = helper.make_function("own", "F", ["a"], ["b"], body, [helper.make_opsetid("", 18)])
    call = helper.make_node("F", ["x"], ["y"], domain="own")
    made = helper.make_model(
        graph_of([call], tensors=[plain]),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("own", 1)],
        functions=[function],
        ir_version=9,
    )
    return bytes(made.SerializeToString())


def loop(times: int) -> bytes:
    """A model that adds one so many times."""
    one = helper.make_tensor("one", FLOAT, [1], [1.0])
    body = helper.make_graph(
        [helper.make_node("Add", ["v", "one"], ["w"]), helper.make_node("Identity", ["c"], ["d"])],
        "body",
        [value("i", [], TensorProto.INT64), value("c", [], TensorProto.BOOL), value("v", None)],
        [value("d", [], TensorProto.BOOL), value("w", None)],
        [one],
    )
    count = helper.make_tensor("count", TensorProto.INT64, [], [times])
    go_on = helper.make_tensor("go", TensorProto.BOOL, [], [True])
    return model_of(
        graph_of([helper.make_node("Loop", ["count", "go", "x"], ["y"], body=body)], tensors=[count, go_on])
    )


def with_shape(size: int) -> bytes:
    """A model that makes an array of so many numbers for each answer."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [1], [size])
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["big"], value=helper.make_tensor("v", FLOAT, [1], [1.0])),
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["x", "sum"], ["y"]),
    ]
    return model_of(graph_of(nodes, tensors=[shape]))


def scaled(weights: Any, shape: Any) -> bytes:
    """x times weights, with the shape of x as given."""
    array = np.asarray(weights, np.float32)
    tensor = onnx.numpy_helper.from_array(array, "w")
    node = helper.make_node("Mul", ["x", "w"], ["y"])
    return model_of(graph_of([node], [value("x", shape)], [value("y", shape)], [tensor]))
