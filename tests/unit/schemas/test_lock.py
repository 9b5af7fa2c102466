"""The lock file: its ids are on disk in somebody's log, so it only ever grows, and it is up to date."""

import copy
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastavro.schema import SchemaParseException, UnknownType, parse_schema

from schemas import catalogue
from schemas.catalogue import canonical_form, current_schemas, locked_schemas, parse

# Never change a line of this table: the events of every installation carry these ids. Only append.
RELEASED = {
    1: ("AddDataset", 1, "4f3049a2a164c23e"),
    2: ("ConfigureJob", 1, "a78380a22a7a56ac"),
    3: ("CreateJob", 1, "5b930b6e2c389a17"),
    4: ("DeleteDataset", 1, "8e7ea45bdf10a093"),
    5: ("DeleteJob", 1, "142962c502b33124"),
    6: ("Forecast", 1, "6654ca325cf420ce"),
    7: ("JobRecord", 1, "896ce60263bee356"),
    8: ("JobStatus", 1, "e910b499c8c11ece"),
    9: ("MetricPoint", 1, "f26e366bdb5844b8"),
    10: ("SeriesResult", 1, "7d228197784b0b9a"),
    11: ("SubmitJob", 1, "e9e3004e63a0f527"),
    12: ("TrainSeries", 1, "3b72afc944f6da79"),
    13: ("Forecast", 2, "dc868e6da413ef67"),
    14: ("SeriesResult", 2, "1b6b998e3512d7c1"),
    15: ("TrainSeries", 2, "d98a971f29ca5ff6"),
    16: ("DeleteTrainingJob", 1, "9b2cbebc89401ac5"),
    17: ("InferenceRequest", 1, "188d5ed16f469934"),
    18: ("InferenceResult", 1, "bd4c76db2759206b"),
    19: ("StartTransform", 1, "e6634bebed1a3a59"),
    20: ("StopTransform", 1, "8b53c464adda3203"),
    21: ("TrainDeepAR", 1, "79e7a0d452a0ec82"),
    22: ("TrainTogether", 1, "dca9ee3041118ef7"),
    23: ("TrainingJobRecord", 1, "934e43bee885e8a8"),
    24: ("TrainingStatus", 1, "75740ff9a0ddc616"),
    25: ("TransformRecord", 1, "5a1d867438ddb131"),
    26: ("StopTrainingJob", 1, "d61962a96de40222"),
    27: ("JobRecord", 2, "d6fa6645d48f568f"),
    28: ("SeriesResult", 3, "6591e8fd64cfe4c6"),
    29: ("JobRecord", 3, "7115271acb771cd4"),
    30: ("SubmitJob", 2, "576e0d2e9ed084ee"),
    31: ("TrainSeries", 3, "537546bb8ed56d8b"),
    32: ("TrainTogether", 2, "fb115bbed428a55f"),
    33: ("JobRecord", 4, "1d59f2d4fa1a1281"),
    34: ("JobStatus", 2, "78073c2049a4f612"),
    35: ("StopJob", 1, "99861005aab40ed1"),
    36: ("AddDataset", 2, "441e740b393b0726"),
    37: ("AddDataset", 3, "07f351fa28a526b3"),
    38: ("ConfigureJob", 2, "544f755740385e2d"),
    39: ("Forecast", 3, "dc379a85e084440b"),
    40: ("JobRecord", 5, "5435129beb30993d"),
    41: ("SeriesResult", 4, "fe62f8461fa4c5b7"),
    42: ("TrainSeries", 4, "1eb36a3a13dc2ba5"),
    43: ("ConfigureJob", 3, "392668498531e8aa"),
    44: ("JobRecord", 6, "ae7b78c93b2f0c66"),
    45: ("JobRecord", 7, "fc3bbc60ca0f1cfb"),
    46: ("TrainingJobRecord", 2, "4af17d450ad714ef"),
    47: ("TransformRecord", 2, "4b06e4fed139a6c6"),
    48: ("JobRecord", 8, "dd92d26bb63b43c8"),
    49: ("TrainingJobRecord", 3, "e80bace12ee1c900"),
    50: ("CreateTrainingConfiguration", 1, "31af7e884323b05b"),
    51: ("CreateTrainingJob", 1, "09800ae33bbbffb3"),
    52: ("CreateTrainingVersion", 1, "2406461bcb123a60"),
    53: ("CreateVisualizationJob", 1, "ab2308b035e8cc34"),
    54: ("DeleteTrainingConfiguration", 1, "e85181681f94d9c3"),
    55: ("DeleteTrainingVersion", 1, "f22864c44564f36c"),
    56: ("DeleteVisualizationJob", 1, "aac575efd23292c5"),
    57: ("RestartVisualizationJob", 1, "a604761de6b8b9c8"),
    58: ("RunTrainingVersion", 1, "ee4031ca4ed9b25d"),
    59: ("StopVisualizationJob", 1, "067723b359c3e810"),
    60: ("TrainingConfigurationRecord", 1, "e572ecc703bb373a"),
    61: ("TrainingJobRecord", 4, "dc6e67919e7375f4"),
    62: ("TrainingLogChunk", 1, "b9cd8c39abc677e5"),
    63: ("TrainingStatus", 2, "e6aa60bcdb9dc80e"),
    64: ("TrainingVersionRecord", 1, "9063de034337a9bb"),
    65: ("UpdateTrainingConfiguration", 1, "89e95d6bf093e507"),
    66: ("UpdateTrainingJob", 1, "cc63ee486d8e7893"),
    67: ("UpdateVisualizationJob", 1, "c2557ed1505c153c"),
    68: ("VisualizationJobRecord", 1, "30d1ab7bf3f01c13"),
    69: ("MetricPoint", 2, "250722930491b634"),
    70: ("AddDataset", 4, "f1d7a269ebac7918"),
    71: ("AddModel", 1, "9c7eb2ca357457ed"),
    72: ("DeleteModel", 1, "a14270521b8a74d0"),
    73: ("ModelRecord", 1, "1767cddd7eaf00d1"),
    74: ("CreateExperiment", 1, "e9c63a1bb49e143f"),
    75: ("ExperimentRecord", 1, "8660e76f7f4d838c"),
    76: ("TrackRun", 1, "15f9c4307dc843a2"),
    77: ("TrackedRun", 1, "bd0e25a91fd75edb"),
    78: ("DeleteScoringJob", 1, "7b67213a5433b7ba"),
    79: ("DeployScoringJob", 1, "6749ae1540ed38de"),
    80: ("EndScoringRun", 1, "f3f681092d00345e"),
    81: ("FireScoringJob", 1, "863c534d978e70a4"),
    82: ("GenerateScript", 1, "f28d6222c3f5ecda"),
    83: ("OperateScoringRun", 1, "184bd7026d10b77b"),
    84: ("ScoreDataset", 1, "6077821bce0560b6"),
    85: ("ScoringJobRecord", 1, "006af2b1ad0fa1bb"),
    86: ("ScoringRunRecord", 1, "2b0f9d00a0d6ac2c"),
    87: ("ScoringRunStatus", 1, "48a5c7c78201e414"),
    88: ("StartScoringRun", 1, "fccfaa4d8de19208"),
    89: ("JobStatus", 3, "725e801c1b10667e"),
    90: ("DeleteService", 1, "e3582c019cce3cef"),
    91: ("DeployService", 1, "b9374392939fea07"),
    92: ("OperateReplica", 1, "c41270efe2574273"),
    93: ("ScaleService", 1, "42707b764b740389"),
    94: ("ScoringAnswerRecord", 1, "b7bac77695fdaa9c"),
    95: ("ScoringRequest", 1, "070baf33a893438a"),
    96: ("ScoringResult", 1, "5453102663f29fc5"),
    97: ("ServiceRecord", 1, "5b4355a7aa76fcfb"),
    98: ("AccessRecord", 1, "af4643fcd9ac151d"),
    99: ("AddKey", 1, "942eee82389ac078"),
    100: ("AddProject", 1, "8e3144ae11365ca1"),
    101: ("AddUser", 1, "8bb8a181829c7818"),
    102: ("ChangeUser", 1, "528b3ce603002412"),
    103: ("RevokeKey", 1, "94b09da3657bf8f4"),
    104: ("RevokeProject", 1, "9a6332af01585607"),
    105: ("RevokeToken", 1, "fb12d92e3effec25"),
    106: ("RevokeUser", 1, "11a4c368cc9cbc7a"),
    107: ("AddDataset", 5, "96b71d5fd16b06b8"),
    108: ("ConfigureJob", 4, "12425fc1e263bf7f"),
    109: ("CreateJob", 2, "3abdec7e50b1edf1"),
    110: ("DeleteDataset", 2, "8cf7a727a79e08a7"),
    111: ("DeleteJob", 2, "21b0d6f70546aed3"),
    112: ("Forecast", 4, "6b8c0c9b7fa54a56"),
    113: ("JobRecord", 9, "7273c464cb2c323e"),
    114: ("JobStatus", 4, "17a3c5747a42fccb"),
    115: ("StopJob", 2, "77e6d9996f4adc8d"),
    116: ("SubmitJob", 3, "7b66f3a74cef3646"),
    117: ("TrainSeries", 5, "faa8b82779f54987"),
    118: ("TrainTogether", 3, "15e6c2bf46166635"),
    119: ("CreateTrainingJob", 2, "f294df12a26498ad"),
    120: ("CreateTrainingVersion", 2, "b49dce9efb01b2df"),
    121: ("RunTrainingVersion", 2, "7145bad014afd4d8"),
    122: ("TrainingVersionRecord", 2, "f8bd12f0992010ee"),
    123: ("JobRecord", 10, "922b5d0a70626ecb"),
    124: ("SeriesResult", 5, "3188c267a3082694"),
    125: ("SubmitJob", 4, "1c537bde869deb7b"),
    126: ("TrainSeries", 6, "1cac7bd8f6bebdca"),
    127: ("TrainTogether", 4, "eb43ee896915e170"),
    128: ("StopTrainingJob", 2, "d642fd575477dc27"),
    129: ("TrainingStatus", 3, "73e4020415a4813a"),
    130: ("Forecast", 5, "1878816f510de034"),
    131: ("TrainSeries", 7, "5e0ac59c9a9aa041"),
    132: ("TrainTogether", 5, "503d5f420a22cdb7"),
    133: ("JobRecord", 11, "df7de482866ad469"),
    134: ("SubmitJob", 5, "0ddc4140083b68d1"),
    135: ("Observation", 1, "b20edd2a77a054e0"),
    136: ("RefreshJob", 1, "b13441c86a42f485"),
    137: ("AuditRecord", 1, "686fd47c09bc4fa7"),
    138: ("JobRecord", 12, "76a67a82b56e076f"),
    139: ("SubmitJob", 6, "6106d6e93b3f062a"),
    140: ("JobRecord", 13, "dcf257e784e3e98e"),
    141: ("SubmitJob", 7, "4888471e3cd5d908"),
    142: ("ConfigureJob", 5, "f27938418b62b62f"),
    143: ("JobRecord", 14, "6574f08e0cd17051"),
    144: ("Alert", 1, "a6ad25d599a4f938"),
    145: ("DatasetGrown", 1, "0f9803d32a90f3cc"),
    146: ("AccessRecord", 2, "25b5f0338950ea0c"),
    147: ("ChangeProject", 1, "4c3f784e8173c671"),
    148: ("ProjectUsage", 1, "0ee83dec0c4e76a5"),
    149: ("JobRecord", 15, "681ba92c7842a5b8"),
    150: ("RefreshJob", 2, "bc3da79457a5cb1f"),
    151: ("SubmitJob", 8, "fe2b6936521c6658"),
    152: ("JobRecord", 16, "4a5df5842be7546a"),
    153: ("AddDataset", 6, "9ad9e822b5578171"),
    154: ("AddDataset", 7, "e9a599385b911d32"),
    155: ("AuditRecord", 2, "0214de36a59dc068"),
    156: ("SeriesResult", 6, "ab95c574fb5b47a0"),
    157: ("TrainSeries", 8, "19af7f850a6253ce"),
    158: ("Forecast", 6, "de625b31e3c656c1"),
    159: ("JobRecord", 17, "9117aea17c061841"),
    160: ("SeriesResult", 7, "d3b089db51f6e369"),
    161: ("StartShadow", 1, "624a7e3d2259f400"),
    162: ("StopShadow", 1, "35f211d5de353f32"),
    163: ("SubmitJob", 9, "7d45240cd2e6af6b"),
    164: ("SwitchShadow", 1, "b50e6568495dc55e"),
    165: ("TrainSeries", 9, "554ce59343465105"),
    166: ("TrainTogether", 6, "3bd7b296a18aba78"),
    167: ("ModelRecord", 2, "4364fd1ebcbff89e"),
    168: ("ScoringJobRecord", 2, "1bd02f19e022de13"),
    169: ("ServiceRecord", 2, "5fd01eab52e2dc85"),
}


def meaning(node: Any) -> Any:
    """A schema without its documentation: all that readers and writers go by, defaults and logical types included."""
    if isinstance(node, dict):
        return {key: meaning(value) for key, value in node.items() if key != "doc"}
    return [meaning(item) for item in node] if isinstance(node, list) else node


def digest(schema: Any) -> str:
    """A short fingerprint of a schema's meaning."""
    return hashlib.sha256(json.dumps(meaning(schema), sort_keys=True).encode()).hexdigest()[:16]


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the lock file that may be extended."""
    copied = tmp_path / "ids.lock.json"
    copied.write_bytes(catalogue._LOCK.read_bytes())
    monkeypatch.setattr(catalogue, "_LOCK", copied)
    locked_schemas.cache_clear()
    yield copied
    locked_schemas.cache_clear()


def change_current(monkeypatch: pytest.MonkeyPatch, **schemas: Any) -> None:
    """Let today's schemas be others, as after editing .avsc files."""
    changed = {**current_schemas(), **schemas}
    monkeypatch.setattr(catalogue, "current_schemas", lambda: changed)


class TestTheLockFile:
    """As it is in the repository."""

    @pytest.mark.parametrize("schema_id", RELEASED)
    def test_a_released_id_keeps_its_meaning(self, schema_id: int) -> None:
        """Name, version, fields, types, defaults: nothing of an id ever changes. Documentation may."""
        entry = next(entry for entry in locked_schemas() if entry.schema_id == schema_id)

        assert (entry.name, entry.version, digest(entry.schema)) == RELEASED[schema_id]

    def test_every_id_is_in_the_table_above(self) -> None:
        """Append the new line here when a schema is added or changed."""
        assert [entry.schema_id for entry in locked_schemas()] == list(RELEASED)

    def test_ids_count_from_one_without_gaps(self) -> None:
        """So that the next id is the number of entries and one."""
        assert [entry.schema_id for entry in locked_schemas()] == list(range(1, len(locked_schemas()) + 1))

    def test_versions_of_a_name_count_from_one(self) -> None:
        """As a registry counts them."""
        versions: dict[str, list[int]] = {}
        for entry in locked_schemas():
            versions.setdefault(entry.name, []).append(entry.version)

        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in versions.values())

    def test_todays_schemas_are_the_last_versions(self) -> None:
        """After a change of a schema, `python -m schemas.catalogue` has been run."""
        assert {entry.name: entry.schema for entry in locked_schemas()} == dict(current_schemas())

    def test_a_file_is_named_after_its_record(self) -> None:
        """One .avsc per record type: TrainSeries is in train_series.avsc."""
        files = {path.stem.replace("_", "") for path in (Path(catalogue.__file__).parent / "avro").glob("*.avsc")}

        assert files == {name.lower() for name in current_schemas()}

    def test_the_text_is_the_schema(self) -> None:
        """What a registry hands out parses to the same schema."""
        for entry in locked_schemas():
            assert json.loads(entry.text) == entry.schema


class TestExtending:
    """`python -m schemas.catalogue`."""

    def test_running_it_again_adds_nothing(self, lock: Path) -> None:
        """Byte for byte the same file."""
        before = lock.read_bytes()

        catalogue._extend_lock()

        assert lock.read_bytes() == before

    def test_a_changed_schema_is_appended_with_the_next_id(self, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The old version stays, with its id, for the events that were written with it."""
        before = json.loads(lock.read_text("utf-8"))
        changed = copy.deepcopy(dict(current_schemas()["DeleteJob"]))
        changed["fields"].append({"name": "reason", "type": "string", "default": ""})
        change_current(monkeypatch, DeleteJob=changed)

        catalogue._extend_lock()
        locked_schemas.cache_clear()

        assert json.loads(lock.read_text("utf-8"))[:-1] == before
        added = locked_schemas()[-1]
        assert (added.schema_id, added.name, added.version) == (len(before) + 1, "DeleteJob", 3)
        assert added.schema == changed

    def test_a_new_record_is_appended_as_version_one(self, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its name comes in the middle of the alphabet; its id is at the end."""
        count = len(locked_schemas())
        change_current(monkeypatch, CancelJob={"type": "record", "name": "CancelJob", "fields": []})

        catalogue._extend_lock()
        locked_schemas.cache_clear()

        added = locked_schemas()[-1]
        assert (added.schema_id, added.name, added.version) == (count + 1, "CancelJob", 1)

    def test_a_record_that_is_gone_stays_locked(self, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its events may still be in a log."""
        before = lock.read_bytes()
        kept = {name: schema for name, schema in current_schemas().items() if name != "DeleteJob"}
        monkeypatch.setattr(catalogue, "current_schemas", lambda: kept)

        catalogue._extend_lock()

        assert lock.read_bytes() == before

    def test_text_beyond_ascii_is_kept(self, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The file stays readable and comes back equal."""
        change_current(monkeypatch, Ä={"type": "record", "name": "Ä", "doc": "größer …", "fields": []})

        catalogue._extend_lock()
        locked_schemas.cache_clear()

        assert "größer …" in lock.read_text("utf-8")
        assert locked_schemas()[-1].schema["doc"] == "größer …"


class TestParse:
    """Parsing for fastavro."""

    def test_plain_times_leave_no_logical_type(self) -> None:
        """Times stay the integers that they are on the wire, at every depth."""
        for schema in current_schemas().values():
            assert "logicalType" not in json.dumps(parse(dict(schema), plain_times=True))

    def test_the_source_is_not_changed(self) -> None:
        """Schemas are shared: parsing one must not strip it for the others."""
        source = copy.deepcopy(dict(current_schemas()["Forecast"]))

        parse(source, plain_times=True)

        assert source == current_schemas()["Forecast"]
        assert "timestamp-millis" in json.dumps(source)

    def test_schemas_do_not_see_one_anothers_names(self) -> None:
        """JobRecord and JobStatus both define CmdStatus."""
        for _ in range(2):
            for schema in current_schemas().values():
                parse(dict(schema))


class TestCanonicalForm:
    """Avro's Parsing Canonical Form and its SHA-256."""

    def test_known_fingerprint(self) -> None:
        """The canonical form of a primitive is its name in quotes, so its fingerprint can be had without Avro."""
        assert canonical_form('{"type": "int"}') == hashlib.sha256(b'"int"').hexdigest()

    def test_known_fingerprint_of_a_record(self) -> None:
        """The specification's rules by hand: full name, no doc, no default, fixed order of keys, no blanks."""
        text = """{"fields": [{"doc": "d", "default": 1, "type": {"type": "long"}, "name": "a"}],
                   "namespace": "t", "doc": "x", "name": "R", "type": "record"}"""
        canonical = b'{"name":"t.R","type":"record","fields":[{"name":"a","type":"long"}]}'

        assert canonical_form(text) == hashlib.sha256(canonical).hexdigest()

    @pytest.mark.parametrize("entry", locked_schemas(), ids=lambda entry: str(entry.schema_id))
    def test_layout_and_documentation_do_not_count(self, entry: catalogue.LockedSchema) -> None:
        """A client that sends a schema back reformatted means the same schema."""
        undocumented = json.dumps(meaning(entry.schema), indent=4, sort_keys=True)

        assert canonical_form(undocumented) == canonical_form(entry.text)

    def test_our_schemas_all_differ(self) -> None:
        """No two ids mean the same."""
        forms = [canonical_form(entry.text) for entry in locked_schemas()]

        assert len(set(forms)) == len(forms)

    def test_another_field_is_another_form(self) -> None:
        """What readers see does count."""
        text = locked_schemas()[0].text

        assert canonical_form(text.replace('"data_id"', '"dataset_id"')) != canonical_form(text)

    def test_a_text_that_is_no_json_is_a_value_error(self) -> None:
        """As the docstring says."""
        with pytest.raises(ValueError, match="Expecting"):
            canonical_form("{")

    @pytest.mark.parametrize("text", ['"strin"', '{"type": "record"}'])
    def test_a_text_that_is_no_schema_is_refused_by_fastavro(self, text: str) -> None:
        """JSON, but not Avro."""
        with pytest.raises((UnknownType, SchemaParseException)):
            canonical_form(text)


def test_every_schema_parses_as_it_is() -> None:
    """With a stock parser and its logical types."""
    for schema in current_schemas().values():
        parse_schema(copy.deepcopy(dict(schema)), named_schemas={})
