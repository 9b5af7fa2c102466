"""Writes the files beside it: boosted trees of irises, by LightGBM and XGBoost, as onnxmltools converts them.

In an environment of their own (`pip install onnxmltools lightgbm xgboost scikit-learn`):

    python tests/unit/models/scoring/converted/make.py

`expected.json` has what the libraries themselves answer for every tenth flower.
"""

import json
from pathlib import Path

import lightgbm
import numpy as np
import onnxmltools
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import load_iris

FOLDER = Path(__file__).parent
SHAPE = [("x", FloatTensorType([None, 4]))]
SMALL = {"n_estimators": 5, "max_depth": 3}


def main() -> None:
    """Write all."""
    x, species = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    asked = x[::10]
    expected = {}
    for library, by_library in (("lightgbm", lightgbm), ("xgboost", xgboost)):
        classifier, regressor = (
            (by_library.LGBMClassifier, by_library.LGBMRegressor)
            if library == "lightgbm"
            else (by_library.XGBClassifier, by_library.XGBRegressor)
        )
        quiet = {"verbose": -1} if library == "lightgbm" else {}
        models = {
            "classes": classifier(**SMALL, **quiet).fit(x, species),
            "two_classes": classifier(**SMALL, **quiet).fit(x, (species == 2).astype(int)),
            "regression": regressor(**SMALL, **quiet).fit(x, x[:, 3]),
        }
        convert = onnxmltools.convert_lightgbm if library == "lightgbm" else onnxmltools.convert_xgboost
        for name, model in models.items():
            made = convert(model, initial_types=SHAPE, target_opset=15)
            (FOLDER / f"{library}_{name}.onnx").write_bytes(made.SerializeToString())
            expected[f"{library}_{name}"] = (
                model.predict(asked) if name == "regression" else model.predict_proba(asked)
            ).tolist()
    content = {"x": asked.tolist(), "y": expected}
    (FOLDER / "expected.json").write_text(json.dumps(content) + "\n", "utf-8")


if __name__ == "__main__":
    main()
