"""Fields that nobody knows: refused with the name that was meant, or left to stock clients that send them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.forecasting import SeriesConfig
from schemas.values import HyperParam
from streams.views.forecasting.bodies import HyperParamBody, SeriesBody
from streams.views.forecasting.elements import ElementsBody
from streams.views.forecasting.job_bodies import JobBody, JobColumnsBody
from streams.views.forecasting.submissions import _effect
from streams.views.inference.transform_bodies import TransformBody
from streams.views.training.bodies import TrainingBody
from streams.views.web.invalid_requests import described, place_of

RIGHT: dict[type[BaseModel], dict[str, Any]] = {
    SeriesBody: {"ts_id": 1},
    JobBody: {"data_id": 1},
    JobColumnsBody: {"timestamp_indexs": [0], "target_indexs": [1]},
    HyperParamBody: {"name": "latest_n", "type": "int", "val": 5},
}


def refusal(check: Any, content: Any) -> str:
    """What is said of the content."""
    with pytest.raises(ValidationError) as refused:
        check(content)
    return described([problem | {"loc": ("body", *problem["loc"])} for problem in refused.value.errors()])  # type: ignore[misc]


@pytest.mark.parametrize("model", RIGHT)
def test_every_declared_field_is_known_with_each_letter_of_it(model: type[BaseModel]) -> None:
    """Whatever fields a body gets: a missing, a doubled and a wrong letter are told with the right name."""
    model.model_validate(RIGHT[model])
    for name in model.model_fields:
        for slip in (name[:-1], f"{name}s", name.upper(), f"{name[0]}{name}"):
            if slip in model.model_fields:
                continue
            said = refusal(model.model_validate, RIGHT[model] | {slip: 1})

            assert said == f"{slip}: is unknown; did you mean {name}?"


@pytest.mark.parametrize("model", RIGHT)
def test_what_is_near_to_nothing_is_refused_with_what_there_is(model: type[BaseModel]) -> None:
    """Regressors, nonsense: none of it has an effect, and the sender must know."""
    for name in ("feat_dynamic_real", "nonsense", "", "ä", "x" * 100_000):
        said = refusal(model.model_validate, RIGHT[model] | {name: [[1]]})

        assert f"is unknown; known are {', '.join(model.model_fields)}" in said
        assert len(said) < 1000


def test_a_slip_in_one_of_many_elements_names_it() -> None:
    """Also within a hyper-parameter."""
    check = TypeAdapter(ElementsBody).validate_python
    wrong: Sequence[tuple[dict[str, Any], str]] = (
        ({"next_k_predictions": 4}, "element 2, next_k_predictions: is unknown; did you mean next_k_prediction?"),
        (
            {"hyper_params": [{"name": "a", "type": "int", "vall": 1}]},
            "element 2, hyper_params, item 1, vall: is unknown; did you mean val?",
        ),
    )
    for fields, text in wrong:
        assert refusal(check, [{"ts_id": 1}, {"ts_id": 2} | fields, {"ts_id": 3}]) == text


def test_D19_the_place_is_told_to_programs() -> None:
    """Decision 19: element from 0, and its field; of what is no element neither."""
    problem = {"type": "missing", "msg": "", "loc": ("body", 1, "hyper_params", 0, "name"), "input": {}}
    other = {"type": "missing", "msg": "", "loc": ("body", "data_id"), "input": {}}

    assert place_of([problem]) == {"element": 1, "field": "hyper_params"}
    assert place_of([other]) == {}


INPUT = {"DataSource": {"S3DataSource": {"S3Uri": "/uploads/x"}}}
TRANSFORM = {
    "TransformJobName": "b1",
    "ModelName": "m1",
    "TransformInput": INPUT,
    "TransformOutput": {"S3OutputPath": "/outputs"},
}
STOCK = {
    "MaxConcurrentTransforms": 1,
    "MaxPayloadInMB": 6,
    "ModelClientConfig": {},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"},
    "TransformInput": INPUT | {"ContentType": "application/jsonlines", "CompressionType": "None"},
    "TransformOutput": {"S3OutputPath": "/outputs", "Accept": "application/jsonlines", "KmsKeyId": ""},
    "Tags": [],
    "ExperimentConfig": {},
    "DataCaptureConfig": {},
}
CONFIG = {"worker_server_num": 1, "model_id": 5, "data_url": "/uploads/x"}
OTHERS = {
    "dataset_name": "",
    "dataset_version_name": "",
    "spec_code": "",
    "pool_name": "",
    "engine_name": "",
    "engine_version": "",
    "engine_type": 1,
    "nas_type": "nfs",
    "gpu_type": "",
}


def test_fields_of_stock_clients_are_accepted() -> None:
    """SageMaker's and ModelArts' own, which mean nothing here."""
    TransformBody.model_validate(TRANSFORM | STOCK)
    TrainingBody.model_validate({"job_name": "a", "config": CONFIG | OTHERS, "notification": {}})


@pytest.mark.parametrize(
    ("model", "content", "text"),
    [
        (TransformBody, TRANSFORM | {"BatchStrateg": "x"}, "BatchStrateg: is unknown; did you mean BatchStrategy?"),
        (TransformBody, TRANSFORM | {"onError": "emit"}, "onError: is unknown; did you mean on_error?"),
        (
            TransformBody,
            TRANSFORM | {"DataProcessing": {"JoinSource": "Input"}},
            (
                "DataProcessing, JoinSource: the output has the order of the input's lines, so join it to them; leave "
                'it out, or send None, not "Input"'
            ),
        ),
        (
            TransformBody,
            TRANSFORM | {"DataProcessing": {"OutputFilter": "$.mean"}},
            (
                "DataProcessing, OutputFilter: output_types of DEEPAR_INFERENCE_CONFIG says what is written; leave it "
                'out, or send $, not "$.mean"'
            ),
        ),
        (
            TransformBody,
            TRANSFORM | {"TransformInput": INPUT | {"CompressionType": "Gzip"}},
            (
                "TransformInput, CompressionType: a packed file is known by its name, and S3Uri does not end in .gz: "
                'expected None, not "Gzip"'
            ),
        ),
        (
            TransformBody,
            TRANSFORM | {"TransformInput": INPUT | {"CompressionType": "Bzip2"}},
            "TransformInput, CompressionType: expected 'None' or 'Gzip', not \"Bzip2\"",
        ),
        (
            TransformBody,
            TRANSFORM | {"TransformInput": INPUT | {"ContentType": "text/csv"}},
            'TransformInput, ContentType: there is JSON Lines alone: expected application/jsonlines, not "text/csv"',
        ),
        (TransformBody, TRANSFORM | {"environment": {}}, "environment: is unknown; did you mean Environment?"),
        (
            TrainingBody,
            {"job_name": "a", "jobdesc": "", "config": CONFIG},
            "jobdesc: is unknown; did you mean job_desc?",
        ),
    ],
)
def test_their_slips_are_told(model: type[BaseModel], content: dict[str, Any], text: str) -> None:
    """A field that is absent, and nearly there under another name."""
    assert refusal(model.model_validate, content) == text


def _told(elements: list[SeriesConfig]) -> str:
    return "; ".join(_effect(elements))


def test_a_patch_says_what_is_stored_and_what_trains() -> None:
    """In words, with the series; of many the first ten."""
    store, train = SeriesConfig(7, "LinearFit"), SeriesConfig(8, next_k_prediction=4)

    assert _told([train]) == "in training: 1 series (8)"
    assert _told([store, train, store]) == (
        "in training: 1 series (8); only stored: 1 series (7); to train, send one of next_k_prediction, max_eval, "
        "auto_tune and eval_metrics with the element"
    )
    whole = SeriesConfig(8, hyper_params=(HyperParam("latest_n", "int", 4.0),), next_k_prediction=4)
    assert _told([whole, whole]) == "in training: 1 series (8); latest_n 4.0 is taken as 4"
    twice = replace(train, eval_metrics=("r2", "mse", "r2_score"), levels=(0.1, 0.5, 0.1))
    assert _told([twice, train]) == (
        "in training: 1 series (8); eval_metrics has r2 more than once: it counts once; levels has 0.1 more than once: "
        "it counts once"
    )
    featured = replace(train, model_name="LinearFit", feature_indexs=(2,))
    assert _told([featured, featured]) == (
        "in training: 1 series (8); LinearFit makes no use of feature_indexs: ARIMA, LightGBM, Auto, Regression do"
    )
    assert "makes no use of holidays" in _told([replace(train, model_name="SES", holidays="DE")])
    assert _told([replace(featured, model_name="ARIMA")]) == "in training: 1 series (8)"
    options = replace(train, hyper_params=(HyperParam("strategy", "list", choice=("a", "b", "a")),))
    assert _told([options]) == "in training: 1 series (8); choice of strategy has a more than once: it counts once"
    many = [SeriesConfig(ts_id, auto_tune=0) for ts_id in range(1, 10_001)]
    assert _told(many) == "in training: 10000 series (1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 9990 more)"
