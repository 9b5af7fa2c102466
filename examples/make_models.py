"""Writes models of Fisher's irises, in PMML and in ONNX, with an algorithm of your choice.

    python examples/make_models.py            # all of them, into ./models
    python examples/make_models.py tree kmeans --folder /tmp/models

It needs scikit-learn and skl2onnx, which `make setup` installs. PMML is written here, by functions that are short
enough to be changed for models of your own.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np
from skl2onnx import to_onnx
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SPECIES = ("setosa", "versicolor", "virginica")
NAMESPACE = "http://www.dmg.org/PMML-4_4"


def iris() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measures of 150 flowers, the species of each by name, and the width of its petals."""
    data, target = load_iris(return_X_y=True)
    return data, np.array(SPECIES)[target], data[:, 3]


def models() -> dict[str, Any]:
    """One trained model per algorithm; the regressions guess petal_width from the other measures."""
    x, species, width = iris()
    return {
        "logistic": LogisticRegression(max_iter=1000).fit(x, species),
        "tree": DecisionTreeClassifier(max_depth=4, random_state=0).fit(x, species),
        "scaled": make_pipeline(StandardScaler(), LogisticRegression()).fit(x, species),
        "network": MLPClassifier((6,), activation="tanh", max_iter=3000, random_state=0).fit(x, species),
        "regression": LinearRegression().fit(x[:, :3], width),
        "tree_regression": DecisionTreeRegressor(max_depth=4, random_state=0).fit(x[:, :3], width),
        "kmeans": KMeans(3, n_init=5, random_state=0).fit(x),
        "pca": PCA(2).fit(x),
    }


def as_onnx(model: Any, columns: int = 4) -> bytes:
    """The model as an ONNX file, which takes 32-bit floats."""
    return bytes(to_onnx(model, np.zeros((1, columns), np.float32)).SerializeToString())


def as_pmml(model: Any, features: Sequence[str] = FEATURES, target: str = "") -> bytes:
    """The model as a PMML file."""
    root = Element("PMML", xmlns=NAMESPACE, version="4.4")
    SubElement(SubElement(root, "Header"), "Application", name="make_models")
    classes = [str(one) for one in getattr(model, "classes_", ())]
    dictionary = SubElement(root, "DataDictionary")
    for name in features:
        SubElement(dictionary, "DataField", name=name, optype="continuous", dataType="double")
    if target and classes:
        field = SubElement(dictionary, "DataField", name=target, optype="categorical", dataType="string")
        for one in classes:
            SubElement(field, "Value", value=one)
    elif target:
        SubElement(dictionary, "DataField", name=target, optype="continuous", dataType="double")
    scaler, last = (model[0], model[-1]) if isinstance(model, Pipeline) else (None, model)
    inputs = list(features) if scaler is None else _scaled(root, scaler, features)
    writer = next(write for kind, write in _WRITERS.items() if isinstance(last, kind))
    element = writer(root, last, inputs, features)
    schema = Element("MiningSchema")
    for name in features:
        SubElement(schema, "MiningField", name=name)
    if target:
        SubElement(schema, "MiningField", name=target, usageType="target")
    element.insert(0, schema)
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _scaled(root: Element, scaler: StandardScaler, features: Iterable[str]) -> list[str]:
    """Each feature less its mean, by its deviation, as a field of its own."""
    dictionary = SubElement(root, "TransformationDictionary")
    for name, mean, scale in zip(features, scaler.mean_, scaler.scale_, strict=True):
        field = SubElement(dictionary, "DerivedField", name=f"scaled_{name}", optype="continuous", dataType="double")
        apply = SubElement(field, "Apply", function="/")
        less = SubElement(apply, "Apply", function="-")
        SubElement(less, "FieldRef", field=name)
        _constant(less, mean)
        _constant(apply, scale)
    return [f"scaled_{name}" for name in features]


def _constant(parent: Element, value: float) -> None:
    SubElement(parent, "Constant", dataType="double").text = repr(float(value))


def _logistic(root: Element, model: LogisticRegression, inputs: Sequence[str], _: Sequence[str]) -> Element:
    element = SubElement(root, "RegressionModel", functionName="classification", normalizationMethod="softmax")
    for label, intercept, weights in zip(model.classes_, model.intercept_, model.coef_, strict=True):
        _table(element, intercept, weights, inputs, targetCategory=str(label))
    return element


def _linear(root: Element, model: LinearRegression, inputs: Sequence[str], _: Sequence[str]) -> Element:
    element = SubElement(root, "RegressionModel", functionName="regression")
    _table(element, model.intercept_, model.coef_, inputs)
    return element


def _table(parent: Element, intercept: float, weights: Iterable[float], inputs: Sequence[str], **of: str) -> None:
    table = SubElement(parent, "RegressionTable", intercept=repr(float(intercept)), **of)
    for name, weight in zip(inputs, weights, strict=True):
        SubElement(table, "NumericPredictor", name=name, coefficient=repr(float(weight)))


def _tree(root: Element, model: Any, inputs: Sequence[str], _: Sequence[str]) -> Element:
    classes = getattr(model, "classes_", None)
    function = "regression" if classes is None else "classification"
    element = SubElement(root, "TreeModel", functionName=function, splitCharacteristic="binarySplit")
    tree = model.tree_

    def add(parent: Element, node: int, predicate: tuple[str, str, str] | None) -> None:
        values = tree.value[node][0]
        score = repr(float(values[0])) if classes is None else str(classes[values.argmax()])
        made = SubElement(parent, "Node", id=str(node), score=score, recordCount=str(tree.n_node_samples[node]))
        if predicate is None:
            SubElement(made, "True")
        else:
            SubElement(made, "SimplePredicate", field=predicate[0], operator=predicate[1], value=predicate[2])
        if classes is not None:
            for label, share in zip(classes, values, strict=True):
                count = repr(float(share) * int(tree.n_node_samples[node]))
                SubElement(made, "ScoreDistribution", value=str(label), recordCount=count)
        if tree.children_left[node] != -1:
            # scikit-learn compares 32-bit floats; a measure of one decimal is the same either way.
            name, border = inputs[tree.feature[node]], repr(float(tree.threshold[node]))
            add(made, tree.children_left[node], (name, "lessOrEqual", border))
            add(made, tree.children_right[node], (name, "greaterThan", border))

    add(element, 0, None)
    return element


def _clusters(root: Element, model: KMeans, inputs: Sequence[str], _: Sequence[str]) -> Element:
    element = SubElement(
        root,
        "ClusteringModel",
        functionName="clustering",
        modelClass="centerBased",
        numberOfClusters=str(model.n_clusters),
    )
    SubElement(SubElement(element, "ComparisonMeasure", kind="distance"), "squaredEuclidean")
    for name in inputs:
        SubElement(element, "ClusteringField", field=name, compareFunction="absDiff")
    for number, center in enumerate(model.cluster_centers_):
        cluster = SubElement(element, "Cluster", id=str(number), name=f"cluster {number}")
        SubElement(cluster, "Array", n=str(len(center)), type="real").text = " ".join(
            repr(float(one)) for one in center
        )
    return element


def _components(root: Element, model: PCA, inputs: Sequence[str], features: Sequence[str]) -> Element:
    """PMML has no such model: each component is a derived field, and the outputs of a regression that says nothing."""
    dictionary = root.find("TransformationDictionary")
    dictionary = SubElement(root, "TransformationDictionary") if dictionary is None else dictionary
    element = SubElement(root, "RegressionModel", functionName="regression")
    output = SubElement(element, "Output")
    for number, weights in enumerate(model.components_, 1):
        field = SubElement(dictionary, "DerivedField", name=f"sum_{number}", optype="continuous", dataType="double")
        _sum(field, list(zip(inputs, model.mean_, weights, strict=True)))
        one = SubElement(
            output,
            "OutputField",
            name=f"component_{number}",
            optype="continuous",
            dataType="double",
            feature="transformedValue",
        )
        SubElement(one, "FieldRef", field=f"sum_{number}")
    SubElement(element, "RegressionTable", intercept="0")
    del features
    return element


def _sum(parent: Element, terms: Sequence[tuple[str, float, float]]) -> None:
    (name, mean, weight), *others = terms
    if others:
        parent = SubElement(parent, "Apply", function="+")
        _sum(parent, others)
    product = SubElement(parent, "Apply", function="*")
    _constant(product, weight)
    less = SubElement(product, "Apply", function="-")
    SubElement(less, "FieldRef", field=name)
    _constant(less, mean)


def _network(root: Element, model: MLPClassifier, inputs: Sequence[str], _: Sequence[str]) -> Element:
    element = SubElement(
        root, "NeuralNetwork", functionName="classification", activationFunction="tanh", normalizationMethod="none"
    )
    places = SubElement(element, "NeuralInputs", numberOfInputs=str(len(inputs)))
    for number, name in enumerate(inputs):
        field = SubElement(
            SubElement(places, "NeuralInput", id=f"0,{number}"), "DerivedField", optype="continuous", dataType="double"
        )
        SubElement(field, "FieldRef", field=name)
    before = [f"0,{number}" for number in range(len(inputs))]
    for depth, (weights, biases) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), 1):
        last = depth == len(model.coefs_)
        layer = SubElement(element, "NeuralLayer", numberOfNeurons=str(len(biases)))
        if last:
            layer.set("activationFunction", "identity")
            layer.set("normalizationMethod", "softmax")
        for number, bias in enumerate(biases):
            neuron = SubElement(layer, "Neuron", id=f"{depth},{number}", bias=repr(float(bias)))
            for source, weight in zip(before, weights[:, number], strict=True):
                SubElement(neuron, "Con", {"from": source, "weight": repr(float(weight))})
        before = [f"{depth},{number}" for number in range(len(biases))]
    outputs = SubElement(element, "NeuralOutputs", numberOfOutputs=str(len(before)))
    for neuron_id, label in zip(before, model.classes_, strict=True):
        made = SubElement(outputs, "NeuralOutput", outputNeuron=neuron_id)
        field = SubElement(made, "DerivedField", optype="categorical", dataType="string")
        SubElement(field, "NormDiscrete", field="species", value=str(label))
    return element


_WRITERS: dict[type, Callable[..., Element]] = {
    LogisticRegression: _logistic,
    LinearRegression: _linear,
    DecisionTreeClassifier: _tree,
    DecisionTreeRegressor: _tree,
    KMeans: _clusters,
    PCA: _components,
    MLPClassifier: _network,
}


def files(name: str, model: Any) -> dict[str, bytes]:
    """The model's two files, by name."""
    regression = name.endswith("regression")
    features = FEATURES[:3] if regression else FEATURES
    target = "petal_width" if regression else "" if name in ("kmeans", "pca") else "species"
    return {
        f"iris_{name}.onnx": as_onnx(model, len(features)),
        f"iris_{name}.pmml": as_pmml(model, features, target),
    }


def main() -> None:
    """Write the files that are asked for."""
    known = models()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("algorithms", nargs="*", metavar="algorithm", help=", ".join(known))
    parser.add_argument("--folder", type=Path, default=Path("models"))
    asked = parser.parse_args()
    wrong = [name for name in asked.algorithms if name not in known]
    if wrong:
        parser.error(f"there is no algorithm {wrong[0]}; known are {', '.join(known)}")
    asked.folder.mkdir(parents=True, exist_ok=True)
    for name in asked.algorithms or known:
        for file_name, content in files(name, known[name]).items():
            (asked.folder / file_name).write_bytes(content)
            print(asked.folder / file_name)


if __name__ == "__main__":
    main()
