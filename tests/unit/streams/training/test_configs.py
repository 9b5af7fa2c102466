"""Configs: what may be said (contract T-054 … T-079), the same by every door."""

from typing import Any

import pytest

from models.catalog import CATALOG
from streams.errors import RejectedError
from streams.training.config_fields import CONFIG_FIELDS
from streams.training.configs import (
    check_complete,
    checked_config,
    config_of,
    config_text,
    jsonl_of,
    merged,
    note_on,
    parameters_of,
)
from tests.unit.streams.training.samples import CONFIG, LIMITS

NFS = {"id": "43b3", "src_path": "192.168.8.150:/", "dest_path": "/home/work/nas"}
CODE = {"app_url": "/usr/app/", "boot_file_url": "/usr/app/boot.py"}


def refused(config: dict[str, Any]) -> str:
    """Why a config is refused, in the code of parameters."""
    with pytest.raises(RejectedError) as refusal:
        check_complete(checked_config(config, LIMITS), LIMITS)
    assert (refusal.value.status, refusal.value.code) == (400, "ModelArts.0104")
    return refusal.value.message


def without(*names: str, **others: Any) -> dict[str, Any]:
    """A good config but for these."""
    return {name: value for name, value in CONFIG.items() if name not in names} | others


class TestFields:
    """Each by itself."""

    @pytest.mark.parametrize("name", ["worker_server_num", "model_id", "engine_id", "spec_id", "pre_version_id"])
    def test_T035_numbers_may_be_texts(self, name: str) -> None:
        """They are kept as numbers."""
        assert checked_config({name: "3"}, LIMITS) == {name: 3}

    @pytest.mark.parametrize("name", CONFIG_FIELDS)
    @pytest.mark.parametrize("value", [None, ""])
    def test_what_is_empty_is_left_out(self, name: str, value: Any) -> None:
        """As clients send it."""
        assert checked_config({name: value}, LIMITS) == {}

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"worker_server_num": 0}, ["worker_server_num", "1 to 16"]),
            ({"worker_server_num": 17}, ["worker_server_num", "TIDECAST_USER_CODE_WORKERS"]),
            ({"worker_server_num": True}, ["worker_server_num", "found true", "whole number"]),
            ({"parameter": [{"label": "a", "value": 1}, 5]}, ["parameter, element 2: found 5, expected an object"]),
            ({"worker_server_num": 1.5}, ["worker_server_num", "1.5"]),
            ({"worker_server_num": "many"}, ["worker_server_num", "'many'"]),
            ({"model_id": 99}, ["model_id", "99", f"1 to {len(CATALOG)}"]),
            ({"model_id": -5}, ["model_id"]),
            ({"engine_id": -1}, ["engine_id"]),
            ({"spec_id": 2**63}, ["spec_id"]),
            ({"pool_id": 5}, ["pool_id", "text"]),
            ({"train_url": "/a/../../b"}, ["train_url"]),
            ({"log_url": "../x"}, ["log_url"]),
            ({"data_url": "/uploads/../secret"}, ["data_url"]),
            ({"data_url": "/installation/topics.json"}, ["data_url", "service's own"]),
            ({"train_url": "/endpoints/mine"}, ["train_url", "service's own"]),
            ({"app_url": "/checkpoints/"}, ["app_url", "service's own"]),
            ({"create_version": "false"}, ["create_version", "true or false"]),
            ({"parameter": {"a": 1}}, ["parameter", "array of objects"]),
            ({"parameter": ["a"]}, ["parameter, element 1", "expected an object"]),
            ({"parameter": "a"}, ["parameter", "array of objects"]),
            ({"parameter": [{"label": "", "value": 1}]}, ["parameter", "element 1", "label"]),
            ({"parameter": [{"value": 1}]}, ["parameter", "label is missing"]),
            ({"parameter": [{"label": "seed"}]}, ["parameter", "seed", "value is nothing"]),
            ({"parameter": [{"label": "seed", "value": [1]}]}, ["parameter", "seed", "an array"]),
            ({"parameter": [{"label": "seed", "value": 2**63}]}, ["parameter", "seed", "too large"]),
            (
                {"parameter": [{"label": "a", "value": 1}, {"label": "a", "value": 2}]},
                ["parameter", "a is there twice"],
            ),
            ({"parameter": [{"label": "n", "value": "v" * 65_536}]}, ["config", "65536"]),
            ({"volumes": [{}]}, ["volumes", "element 1", "nfs or host_path"]),
            ({"volumes": [{"nfs": 5}]}, ["volumes", "nfs", "an object"]),
            ({"volumes": [{"nfs": {"id": 5}}]}, ["volumes", "nfs, id"]),
            ({"volumes": [{"host_path": {"read_only": "no"}}]}, ["volumes", "read_only"]),
            ({"parameters": []}, ["config, parameters: is unknown; did you mean parameter?"]),
            ({"boot_file_uri": "x"}, ["config, boot_file_uri: is unknown; did you mean boot_file_url?"]),
        ],
    )
    def test_T034_what_is_wrong_is_named(self, change: dict[str, Any], words: list[str]) -> None:
        """The field, what was found, what is expected."""
        message = refused(CONFIG | change)

        assert all(word in message for word in words), message

    def test_what_is_far_from_every_field_is_ignored(self) -> None:
        """Stock clients send fields of other services."""
        assert checked_config({"dataset_name": "a", "npu": 1, "nas_type": "nfs"}, LIMITS) == {}

    def test_T072_values_keep_their_types(self) -> None:
        """Text, number, truth value."""
        given = [{"label": f"l{number}", "value": value} for number, value in enumerate(("0.01", 0.01, 32, True))]
        config = checked_config({"parameter": given}, LIMITS)

        assert config["parameter"] == given
        assert [type(item["value"]) for item in config["parameter"]] == [str, float, int, bool]
        assert parameters_of(config) == {"l0": "0.01", "l1": 0.01, "l2": 32, "l3": "true"}

    def test_T077_volumes_can_be_written_unless_told(self) -> None:
        """read_only is false where it is left out."""
        config = checked_config({"volumes": [{"nfs": NFS, "host_path": {"src_path": "/root/work"}}]}, LIMITS)

        assert config["volumes"] == [
            {"nfs": {**NFS, "read_only": False}, "host_path": {"src_path": "/root/work", "read_only": False}}
        ]

    @pytest.mark.parametrize("label", ["CUSTOM_PA RAM 1", "1ST", "a-b", "ä"])
    def test_T073_labels_of_an_image_are_variables(self, label: str) -> None:
        """Elsewhere any text is a label."""
        parameter = [{"label": label, "value": "1"}]

        assert label in refused(CONFIG | {"user_image_url": "base:1.0", "parameter": parameter})
        assert checked_config({"parameter": parameter}, LIMITS)["parameter"] == parameter
        checked_config({"user_image_url": "base:1.0", "parameter": [{"label": "CUSTOM_PARAM1", "value": 1}]}, LIMITS)

    @pytest.mark.parametrize("text", ["[]", "{", "null", '"x"', '{"a": NaN}', "{} {}", '{"a": "' + "x" * 65_536 + '"}'])
    def test_a_text_that_is_no_config(self, text: str) -> None:
        """Of a command on the topic."""
        with pytest.raises(RejectedError, match="config: expected"):
            config_of(text)

    def test_what_json_cannot_say_is_refused(self) -> None:
        """Half a surrogate pair."""
        with pytest.raises(RejectedError, match="config: cannot be kept"):
            config_text({"pool_id": "\ud800"})


class TestComplete:
    """What a version needs."""

    @pytest.mark.parametrize(
        ("config", "words"),
        [
            (without("worker_server_num"), ["worker_server_num", "missing"]),
            (without("model_id"), ["app_url", "missing", "model_id"]),
            (without("model_id", app_url="/usr/app/"), ["boot_file_url", "missing"]),
            (
                without("model_id", **CODE | {"boot_file_url": "/usr/other/boot.py"}),
                ["boot_file_url", "inside app_url"],
            ),
            (without("model_id", **CODE | {"boot_file_url": "/usr/app/"}), ["boot_file_url"]),
            (without("spec_id"), ["spec_id", "pool_id"]),
            (without("data_url"), ["data_url", "none of them"]),
            (without("data_url", data_source=[]), ["data_url", "none of them"]),
            ({**CONFIG, "dataset_id": "a", "dataset_version_id": "b"}, ["data_url", "2 of them"]),
            ({**CONFIG, "data_source": [{"type": "obs", "data_url": "/a"}]}, ["data_url", "2 of them"]),
            (without("data_url", dataset_id="a"), ["dataset_id", "together"]),
            (without("data_url", dataset_version_id="a"), ["dataset_id", "together"]),
            (without("data_url", data_source=[{"type": "nfs"}]), ["data_source", "obs or dataset"]),
            (without("data_url", data_source=[{"type": "obs"}]), ["data_source", "data_url is missing"]),
            (without("data_url", data_source=[{"type": "dataset", "dataset_id": "a"}]), ["dataset_version is missing"]),
            (without("data_url", data_source=[{"type": "obs", "data_url": "/../a"}]), ["data_source", "data_url"]),
        ],
    )
    def test_T071_what_is_missing_or_too_much(self, config: dict[str, Any], words: list[str]) -> None:
        """0104, by name."""
        assert all(word in refused(config) for word in words), refused(config)

    @pytest.mark.parametrize(
        "config",
        [
            CONFIG,
            without("spec_id", pool_id="testpool"),
            {**CONFIG, "pool_id": "testpool", **CODE, "engine_id": 1},
            without("model_id", **CODE),
            without("data_url", dataset_id="a", dataset_version_id="b"),
            without("data_url", data_source=[{"type": "dataset", "dataset_id": "a", "dataset_version": "b"}]),
            without("data_url", data_source=[{"type": "obs", "data_url": "obs://b/a"}]),
        ],
    )
    def test_T059_what_is_enough(self, config: dict[str, Any]) -> None:
        """spec_id with pool_id and code with model_id too (decision 6)."""
        checked = checked_config(config, LIMITS)
        check_complete(checked, LIMITS)

        assert checked == config

    def test_D070_deepar_is_checked_at_once(self) -> None:
        """On a file of JSON Lines; a table is read when it runs."""
        deepar = CONFIG | {"model_id": 5, "data_url": "/uploads/flights.jsonl"}
        needed = [{"label": "time_freq", "value": "D"}, {"label": "prediction_length", "value": 7}]

        assert "time_freq" in refused(deepar)
        check_complete({**without("spec_id"), **deepar, "parameter": needed}, LIMITS)
        check_complete({**deepar, "data_url": "/uploads/flights.csv"}, LIMITS)
        assert jsonl_of(deepar) == "/uploads/flights.jsonl"
        assert jsonl_of(without("data_url", data_source=[{"type": "obs", "data_url": "/a"}], model_id=5)) == "/a"
        assert jsonl_of({**deepar, "model_id": 1}) is None

    def test_T075_what_is_ignored_is_told(self) -> None:
        """The samples give LinearFit a learning_rate; fields of forecasting jobs are known to all."""
        given = {"learning_rate": "0.01", "latest_n": 5, "next_k_prediction": 7, "batch_size": 32}
        parameter = [{"label": label, "value": value} for label, value in given.items()]

        assert (
            note_on(CONFIG | {"parameter": parameter}, LIMITS) == "LinearFit has no use for: learning_rate, batch_size"
        )
        assert note_on(CONFIG, LIMITS) is None
        assert note_on(without("model_id", **CODE, parameter=parameter), LIMITS) is None


class TestMerging:
    """Decision 23."""

    def test_what_is_sent_replaces_and_null_clears(self) -> None:
        """What is left out stays."""
        kept = {"worker_server_num": 1, "train_url": "/a/", "log_url": "/b/"}

        assert merged(kept, {"train_url": "/c/", "log_url": None}) == {
            "worker_server_num": 1,
            "train_url": "/c/",
            "log_url": None,
        }

    @pytest.mark.parametrize(
        "sent",
        [
            {"data_url": "/a"},
            {"dataset_id": "a", "dataset_version_id": "b"},
            {"data_source": [{"type": "obs", "data_url": "/a"}]},
        ],
    )
    def test_one_form_of_data_takes_the_place_of_the_others(self, sent: dict[str, Any]) -> None:
        """They are one field."""
        for kept in (
            {"data_url": "/k"},
            {"dataset_id": "k", "dataset_version_id": "l"},
            {"data_source": [{"type": "obs", "data_url": "/k"}]},
        ):
            assert checked_config(merged({**kept, "spec_id": 1}, sent), LIMITS) == {"spec_id": 1, **sent}


_SLIPS = [
    ("volumes", {"nfs": NFS | {"readonly": True}}, "nfs, readonly: is unknown; did you mean read_only?"),
    ("volumes", {"host_path": {"src_pat": "/a"}}, "host_path, src_pat: is unknown; did you mean src_path?"),
    ("data_source", {"type": "obs", "data_ulr": "/a"}, "data_ulr: is unknown; did you mean data_url?"),
    ("parameter", {"label": "a", "values": 1}, "values: is unknown; did you mean value?"),
]


@pytest.mark.parametrize(("field", "item", "words"), _SLIPS)
def test_a_slip_within_a_field_is_refused(field: str, item: dict[str, Any], words: str) -> None:
    """`readonly` left the volume to be written to, without a word."""
    config = without("data_url", "data_source", "dataset_id", "dataset_version_id", **{field: [item]})

    assert f"{field}, element 1, {words}" in refused(config)


def test_fields_that_have_no_use_here_are_taken_within_others_too() -> None:
    """As stock clients send them, and nothing of a slip's name is nothing."""
    volumes = [{"nfs": NFS | {"quota": "1T", "readonly": None}}]

    assert checked_config({"volumes": volumes}, LIMITS)["volumes"] == [{"nfs": NFS | {"read_only": False}}]


def test_a_text_that_is_no_json_is_told_where_and_why() -> None:
    """Of an event's config; it was no object, whatever was wrong with it."""
    with pytest.raises(
        RejectedError, match=r"config: expected a JSON object; byte 22: not valid JSON: NaN is no JSON value"
    ):
        config_of('{"worker_server_num": NaN}')
