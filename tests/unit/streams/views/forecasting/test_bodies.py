"""Request bodies of contract 000, and how their JSON becomes commands."""

import json
from typing import Annotated, Any

import pytest
from fastapi import Body, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from schemas.coding.codec import Codec
from schemas.forecasting import SeriesConfig, SubmitJob
from schemas.values import HyperParam
from streams.checks import check_name
from streams.views.forecasting.bodies import SeriesBody
from streams.views.forecasting.job_bodies import JobBody, JobColumnsBody

LARGEST = 2**53 - 1
CODEC = Codec()


def series(text: str) -> SeriesConfig:
    """The command's element for one element of a PATCH body, written as in the contract."""
    return SeriesBody.model_validate(json.loads(text)).to_event()


def wrong(model: type[BaseModel], **fields: Any) -> tuple[tuple[Any, ...], str]:
    """Where the first problem is and what it says."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    problem = caught.value.errors()[0]
    return problem["loc"], str(problem["msg"])


class TestContractSamples:
    """The bodies of contract 000 section 13, word by word."""

    def test_J074_the_short_form_stores(self) -> None:
        """`{}` means no parameters given; without any training field it does not train."""
        element = series('{"model_name": "LinearFit", "hyper_params": {}, "ts_id": 1700, "feature_indexs": "[1, 2]"}')

        assert element == SeriesConfig(1700, "LinearFit", (), (1, 2))
        assert not element.trains

    def test_J080_fixed_values_train(self) -> None:
        """The sample without tuning."""
        element = series(
            """{"model_name": "LinearFit", "max_eval": 100, "next_k_prediction": 5, "auto_tune": 0,
            "eval_metrics": ["mse", "rmse"],
            "hyper_params": [{"name": "latest_n", "type": "int", "val": 5},
                             {"name": "add_std_factor", "type": "float", "val": 0.5}],
            "ts_id": 8797, "feature_indexs": "[]"}"""
        )

        assert element == SeriesConfig(
            8797,
            "LinearFit",
            (HyperParam("latest_n", "int", 5), HyperParam("add_std_factor", "float", 0.5)),
            (),
            max_eval=100,
            next_k_prediction=5,
            auto_tune=0,
            eval_metrics=("mse", "rmse"),
        )
        assert element.trains

    def test_J081_ranges(self) -> None:
        """The sample with tuning."""
        element = series(
            """{"model_name": "LinearFit", "max_eval": 100, "next_k_prediction": 5, "auto_tune": 1,
            "eval_metrics": ["mse", "rmse"],
            "hyper_params": [{"name": "latest_n", "type": "int", "low": 1, "high": 5},
                             {"name": "add_std_factor", "type": "float", "low": 0, "high": 0.5}],
            "ts_id": 8797, "feature_indexs": "[]"}"""
        )

        assert element.auto_tune == 1
        assert element.hyper_params == (
            HyperParam("latest_n", "int", low=1, high=5),
            HyperParam("add_std_factor", "float", low=0, high=0.5),
        )

    def test_J082_options(self) -> None:
        """The empty choice of the sample is a shape that is read."""
        body = {"ts_id": 1, "hyper_params": [{"name": "strategy", "type": "list", "choice": []}]}
        element = SeriesBody.model_validate(body).to_event()

        assert element.hyper_params == (HyperParam("strategy", "list", choice=()),)

    def test_J051_columns_as_text(self) -> None:
        """The PUT of the contract."""
        body = JobColumnsBody.model_validate_json(
            '{"timestamp_indexs": "[2]", "target_indexs": "[3]", "groupby_indexs": "[0, 1]"}'
        )

        assert (body.timestamp_indexs, body.target_indexs, body.groupby_indexs) == ((2,), (3,), (0, 1))


class TestIndexs:
    """Column indices: text or array."""

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("[0,1]", (0, 1)),
            (" [ 0 , 1 ] ", (0, 1)),
            ("[]", ()),
            ("[ ]", ()),
            ([0, 1], (0, 1)),
            ([], ()),
            ("[\n2\t]", (2,)),
            ([2**31 - 1], (2**31 - 1,)),
            ([-1], (-1,)),
        ],
    )
    def test_J052_both_forms_with_blanks(self, value: Any, expected: tuple[int, ...]) -> None:
        """Whether a column exists is for the job to say, which knows the header."""
        body = JobColumnsBody.model_validate(
            {"timestamp_indexs": value, "target_indexs": value, "groupby_indexs": value}
        )

        assert (body.timestamp_indexs, body.target_indexs, body.groupby_indexs) == (expected,) * 3
        assert SeriesBody(ts_id=1, feature_indexs=value).to_event().feature_indexs == expected

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "0",
            "0,1",
            "[0,1",
            "(0, 1)",
            "[0.5]",
            "[true]",
            '["0"]',
            "[null]",
            "[[0]]",
            '{"0": 1}',
            "null",
            "[" * 100_000,
            "[" + "9" * 5000 + "]",
            [True],
            [0.0],
            ["0"],
            [None],
            [[0]],
            {},
            5,
            True,
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_anything_else_is_refused_with_an_example(self, value: Any) -> None:
        """The text says what is expected, the place names the field."""
        place, text = wrong(JobColumnsBody, timestamp_indexs=value, target_indexs="[3]")

        assert place == ("timestamp_indexs",)
        assert 'expected a bracketed list of column indices such as "[0, 1]"' in text

    @pytest.mark.parametrize("value", [[2**31], "[2147483648]", [-(2**31)], [10**400]])
    def test_numbers_that_avro_cannot_carry_are_refused(self, value: Any) -> None:
        """Indices are 32-bit in the command; no file has so many columns."""
        assert "far beyond any column" in wrong(JobColumnsBody, timestamp_indexs=value, target_indexs="[3]")[1]

    def test_J052_group_by_may_be_absent_the_others_not(self) -> None:
        """One series, then."""
        assert JobColumnsBody.model_validate({"timestamp_indexs": [0], "target_indexs": [1]}).groupby_indexs == ()
        assert wrong(JobColumnsBody, target_indexs=[1])[0] == ("timestamp_indexs",)
        assert wrong(JobColumnsBody, timestamp_indexs=[1])[0] == ("target_indexs",)

    @given(st.text(max_size=20))
    def test_any_text_is_indices_or_a_refusal(self, text: str) -> None:
        """Property: never another error than pydantic's."""
        try:
            body = JobColumnsBody.model_validate({"timestamp_indexs": text, "target_indexs": "[1]"})
        except ValidationError:
            return
        assert list(body.timestamp_indexs) == json.loads(text)


class TestSeriesBody:
    """One element of a PATCH."""

    def test_only_the_series_is_mandatory(self) -> None:
        """All else is absent, not defaulted: absent means the stored value."""
        assert SeriesBody(ts_id=5).to_event() == SeriesConfig(5)

    def test_null_is_absent(self) -> None:
        """Clients in many languages write out what they do not set."""
        fields = dict.fromkeys(set(SeriesBody.model_fields) - {"ts_id"})

        assert SeriesBody.model_validate({"ts_id": 5, **fields}).to_event() == SeriesConfig(5)

    @pytest.mark.parametrize("ts_id", [0, -1, LARGEST + 1, "5", 5.0, True, None, [5]])
    def test_J072_the_series_id(self, ts_id: Any) -> None:
        """A positive JSON-safe integer, nothing that merely looks like one."""
        assert wrong(SeriesBody, ts_id=ts_id)[0] == ("ts_id",)

    def test_J072_the_series_id_is_mandatory(self) -> None:
        """The place names it."""
        assert wrong(SeriesBody, model_name="LinearFit")[0] == ("ts_id",)

    @pytest.mark.parametrize(("value", "expected"), [(0, 0), (1, 1), (False, 0), (True, 1)])
    @pytest.mark.parametrize("field", ["auto_tune", "refit", "allow_negative"])
    def test_J078_flags_are_0_1_or_booleans(self, field: str, value: Any, expected: int) -> None:
        """The original's user interface sent booleans."""
        flag = getattr(SeriesBody.model_validate({"ts_id": 1, field: value}).to_event(), field)

        assert flag == expected
        assert type(flag) is int

    @pytest.mark.parametrize("value", [2, -1, "1", 1.0, "true", []])
    @pytest.mark.parametrize("field", ["auto_tune", "refit", "allow_negative"])
    def test_other_flags_are_refused(self, field: str, value: Any) -> None:
        """With the two numbers in the text."""
        place, text = wrong(SeriesBody, ts_id=1, **{field: value})

        assert place == (field,)
        assert "expected 0 or 1" in text

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("model_name", 5),
            ("model_name", ["LinearFit"]),
            ("max_eval", "100"),
            ("max_eval", 1.5),
            ("max_eval", True),
            ("max_eval", 2**31),
            ("next_k_prediction", "5"),
            ("next_k_prediction", 5.0),
            ("next_k_prediction", 2**31),
            ("next_k_prediction", -(2**31)),
            ("auto_tune_metric", 5),
            ("eval_metrics", "mse"),
            ("eval_metrics", {"mse": 1}),
        ],
    )
    def test_bad_types_are_refused_by_field(self, field: str, value: Any) -> None:
        """Nothing is guessed."""
        assert wrong(SeriesBody, ts_id=1, **{field: value})[0][0] == field

    def test_a_bad_metric_is_named_by_its_place(self) -> None:
        """The second of two."""
        assert wrong(SeriesBody, ts_id=1, eval_metrics=["mse", 5])[0] == ("eval_metrics", 1)

    @pytest.mark.parametrize("value", [{"latest_n": 5}, "latest_n", 5, [5], [None]])
    def test_J075_hyper_parameters_are_an_array_or_an_empty_object(self, value: Any) -> None:
        """An object with something in it is a misunderstanding, not "none given"."""
        assert wrong(SeriesBody, ts_id=1, hyper_params=value)[0][0] == "hyper_params"

    def test_J075_the_text_shows_the_form(self) -> None:
        """An object of names and values is the likely mistake."""
        assert '{"name", "type", "val"}' in wrong(SeriesBody, ts_id=1, hyper_params={"latest_n": 5})[1]

    @pytest.mark.parametrize("given", [{}, []])
    def test_J075_none_given_is_not_absent(self, given: Any) -> None:
        """Absent means the stored ones, empty means the model's defaults."""
        assert SeriesBody(ts_id=1, hyper_params=given).to_event().hyper_params == ()
        assert SeriesBody(ts_id=1).to_event().hyper_params is None


class TestHyperParameters:
    """One hyper-parameter object."""

    @staticmethod
    def parameter(**fields: Any) -> HyperParam:
        """The event's hyper-parameter."""
        parameters = SeriesBody.model_validate({"ts_id": 1, "hyper_params": [fields]}).to_event().hyper_params
        assert parameters is not None
        return parameters[0]

    @staticmethod
    def problem(**fields: Any) -> tuple[Any, ...]:
        """Where the problem lies."""
        return wrong(SeriesBody, ts_id=1, hyper_params=[{"name": "a", "type": "int", **fields}])[0]

    @pytest.mark.parametrize("kind", ["int", "float", "list"])
    def test_J083_three_types(self, kind: str) -> None:
        """As the contract names them."""
        assert self.parameter(name="a", type=kind, val=1) == HyperParam("a", kind, 1)

    @pytest.mark.parametrize("kind", ["Int", "str", "", None, 5])
    def test_J083_no_other_type(self, kind: Any) -> None:
        """The place is the parameter's number and the field."""
        assert self.problem(type=kind) == ("hyper_params", 0, "type")

    @pytest.mark.parametrize("value", [5, 5.0, 0.5, -1, "mse", "", LARGEST, -LARGEST, 1e300])
    def test_values_keep_their_type(self, value: Any) -> None:
        """5 stays an integer, 5.0 a float, a text a text."""
        val = self.parameter(name="a", type="list", val=value).val

        assert val == value
        assert type(val) is type(value)

    @pytest.mark.parametrize("field", ["low", "high"])
    def test_bounds_are_numbers(self, field: str) -> None:
        """Texts have no order that a search could use."""
        assert self.problem(**{field: "1"}) == ("hyper_params", 0, field)
        assert getattr(self.parameter(name="a", type="float", **{field: 1}), field) == 1

    @pytest.mark.parametrize("value", [True, False, [], {}, LARGEST + 1, -LARGEST - 1])
    @pytest.mark.parametrize("field", ["val", "low", "high"])
    def test_what_is_no_value_is_refused(self, field: str, value: Any) -> None:
        """Also integers that JSON readers would change."""
        assert self.problem(**{field: value}) == ("hyper_params", 0, field)

    @pytest.mark.parametrize("value", [True, None, [1], LARGEST + 1])
    def test_what_is_no_option_is_refused(self, value: Any) -> None:
        """The place names the option."""
        assert self.problem(choice=["a", value]) == ("hyper_params", 0, "choice", 1)

    @pytest.mark.parametrize("absent", ["name", "type"])
    def test_name_and_type_are_mandatory(self, absent: str) -> None:
        """The place names what is missing."""
        fields = {"name": "a", "type": "int", "val": 1}
        del fields[absent]

        assert wrong(SeriesBody, ts_id=1, hyper_params=[fields])[0] == ("hyper_params", 0, absent)


class TestJobBody:
    """POST /job/."""

    @pytest.mark.parametrize("name", ["a", "A_9", "x" * 32, None])
    def test_J043_good_names(self, name: str | None) -> None:
        """What the body accepts the job accepts too."""
        check_name(JobBody(data_id=2, name=name).name)

    @pytest.mark.parametrize("name", ["", "x" * 33, "a b", "ä", "a\n", "a-b", 5])
    def test_J043_bad_names(self, name: Any) -> None:
        """At most 32 of A-Z a-z 0-9 _."""
        assert wrong(JobBody, data_id=2, name=name)[0] == ("name",)

    @pytest.mark.parametrize("data_id", [0, -1, "2", 2.0, True, None, LARGEST + 1])
    def test_J043_the_data_set_is_an_id(self, data_id: Any) -> None:
        """A positive JSON-safe integer."""
        assert wrong(JobBody, data_id=data_id)[0] == ("data_id",)

    def test_J043_the_name_is_optional(self) -> None:
        """The data set is not."""
        assert JobBody.model_validate({"data_id": 2}).name is None
        assert wrong(JobBody, name="a")[0] == ("data_id",)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {"ts_id": st.integers(1, LARGEST)},
        optional={
            "model_name": st.text(max_size=5) | JSON_VALUES,
            "hyper_params": st.lists(
                st.fixed_dictionaries(
                    {"name": st.text(max_size=3), "type": st.sampled_from(["int", "float", "list"])},
                    optional={"val": JSON_VALUES, "low": JSON_VALUES, "high": JSON_VALUES, "choice": JSON_VALUES},
                ),
                max_size=2,
            )
            | JSON_VALUES,
            "feature_indexs": JSON_VALUES,
            "max_eval": JSON_VALUES,
            "next_k_prediction": JSON_VALUES,
            "auto_tune": JSON_VALUES,
            "auto_tune_metric": JSON_VALUES,
            "eval_metrics": JSON_VALUES,
            "refit": JSON_VALUES,
            "allow_negative": JSON_VALUES,
            "future_features": JSON_VALUES,
            "holidays": JSON_VALUES,
        },
    )
)
def test_what_a_body_accepts_an_event_can_carry(body: dict[str, Any]) -> None:
    """Property: no JSON passes validation and then fails to become an Avro command, or changes on its way."""
    try:
        element = SeriesBody.model_validate(body).to_event()
    except ValidationError:
        return
    command = SubmitJob("c", 1, (element,))

    assert CODEC.decode(CODEC.encode(command)) == command


def test_J007_every_field_is_documented() -> None:
    """The OpenAPI document shows these names and sentences, also the fields of one hyper-parameter."""
    http = FastAPI()

    @http.patch("/")
    def takes(series: Annotated[list[SeriesBody], Body()], job: JobBody, columns: JobColumnsBody) -> None:
        """A route that has all bodies."""

    documented = http.openapi()["components"]["schemas"]

    for model in (JobBody, JobColumnsBody, SeriesBody):
        properties = documented[model.__name__]["properties"]
        assert set(properties) == set(model.model_fields)
        assert all(field["description"] for field in properties.values())
    assert set(documented["HyperParamBody"]["properties"]) == {"name", "type", "val", "low", "high", "choice"}


class TestSeveralSeries:
    """An element that names more than one series."""

    def test_all_and_group_values(self) -> None:
        """The command says it in one text."""
        every = series('{"ts_id": "all", "auto_tune": 0}')
        some = series('{"ts_id": "all", "groups": {"Origin": "EWR", "a/b": "x=y"}, "auto_tune": 0}')

        assert (every.ts_id, every.series) == (0, "all")
        assert (some.ts_id, some.series) == (0, "Origin=EWR/a%2Fb=x%3Dy")
        assert series('{"ts_id": 5, "auto_tune": 0}').series is None

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"ts_id": "All"}, "ts_id"),
            ({"ts_id": ""}, "ts_id"),
            ({"ts_id": 5, "groups": {}}, "groups"),
            ({"ts_id": "all", "groups": {"Origin": 1}}, "groups"),
            ({"ts_id": "all", "groups": ["EWR"]}, "groups"),
            ({"groups": {"Origin": "EWR"}}, "ts_id"),
        ],
    )
    def test_what_is_neither(self, fields: dict[str, Any], field: str) -> None:
        """The message names the field."""
        place, message = wrong(SeriesBody, **fields)

        assert field in str(place) + message
