"""Writes the files beside it that begin with keras_: small networks of irises, as tf2onnx converts them.

In an environment of their own (`pip install keras tensorflow onnx tf2onnx scikit-learn`):

    python tests/unit/models/scoring/converted/make_keras.py

`expected_keras.json` has what Keras itself answers for every tenth flower.
"""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from sklearn.datasets import load_iris

FOLDER = Path(__file__).parent


def main() -> None:
    """Write all."""
    x, species = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    asked = x[::10]
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense
    models = {
        "classes": keras.Sequential([keras.Input((4,)), dense(8, "relu"), dense(3, "softmax")]),
        "regression": keras.Sequential([keras.Input((4,)), dense(8, "tanh"), dense(1)]),
        "encoder": keras.Sequential([keras.Input((4,)), dense(6, "tanh"), dense(2)]),
    }
    models["classes"].compile("adam", "sparse_categorical_crossentropy")
    models["classes"].fit(x, species, epochs=150, verbose=0)
    models["regression"].compile("adam", "mse")
    models["regression"].fit(x, x[:, 3], epochs=150, verbose=0)
    expected = {}
    for name, model in models.items():
        signature = [tf.TensorSpec((None, 4), tf.float32, name="x")]
        call = tf.function(lambda values, model=model: model(values), input_signature=signature)
        tf2onnx.convert.from_function(call, signature, opset=18, output_path=str(FOLDER / f"keras_{name}.onnx"))
        expected[f"keras_{name}"] = np.asarray(model(asked)).tolist()
    content = {"x": asked.tolist(), "y": expected}
    (FOLDER / "expected_keras.json").write_text(json.dumps(content), "utf-8")


if __name__ == "__main__":
    main()
