"""The catalogue of our schemas, in the words of the Confluent schema registry API."""

import json
from typing import Any

import pytest

from schemas.catalogue import current_schemas, locked_schemas
from streams.settings import Settings
from streams.topics import Topics
from streams.views.operation.schema_catalogue import CatalogueError, SchemaCatalogue

VALUE = "tidecast.job-status-value"
COMMANDS = "tidecast.job-commands-value"


@pytest.fixture
def catalogue() -> SchemaCatalogue:
    """The catalogue of a default installation."""
    return SchemaCatalogue(Topics(Settings()))


def text_of(name: str) -> str:
    """Today's schema of a record type as a client sends it."""
    return json.dumps(current_schemas()[name])


def id_of(name: str) -> int:
    """The id of the last version of a record type."""
    return {entry.name: entry.schema_id for entry in locked_schemas()}[name]


def refusal(call: Any, *arguments: Any) -> CatalogueError:
    """The error that a call raises."""
    with pytest.raises(CatalogueError) as caught:
        call(*arguments)
    return caught.value


class TestReading:
    """What stock deserialisers ask."""

    @pytest.mark.parametrize("entry", locked_schemas(), ids=lambda entry: str(entry.schema_id))
    def test_decision15_every_id_gives_its_schema(self, catalogue: SchemaCatalogue, entry: Any) -> None:
        """Old versions too: their events may still be in the log."""
        answer = catalogue.schema(entry.schema_id)

        assert list(answer) == ["schema"]
        assert json.loads(answer["schema"]) == entry.schema

    @pytest.mark.parametrize("schema_id", [0, -1, 10**9])
    def test_an_unknown_id(self, catalogue: SchemaCatalogue, schema_id: int) -> None:
        """404 with Confluent's code for it."""
        error = refusal(catalogue.schema, schema_id)

        assert (error.status, error.error_code, error.message) == (404, 40403, f"Schema {schema_id} not found")

    def test_subjects_of_both_naming_strategies(self, catalogue: SchemaCatalogue) -> None:
        """Every record's full name, and every topic's value; dead letters have no schema."""
        topics = [spec.name for spec in Topics(Settings()).all if spec.records]

        assert set(catalogue.subjects()) == {f"tidecast.{name}" for name in current_schemas()} | {
            f"{topic}-value" for topic in topics
        }
        assert "tidecast.dead-letters-value" not in catalogue.subjects()

    def test_subjects_follow_the_topic_prefix(self) -> None:
        """TopicNameStrategy uses the topic's real name."""
        subjects = SchemaCatalogue(Topics(Settings(topic_prefix="blue."))).subjects()

        assert "blue.forecasts-value" in subjects
        assert "tidecast.Forecast" in subjects
        assert "tidecast.forecasts-value" not in subjects

    def test_a_subject_with_one_record_type(self, catalogue: SchemaCatalogue) -> None:
        """All its versions, under both names, with the same ids."""
        shipped = [entry for entry in locked_schemas() if entry.name == "JobStatus"]

        assert catalogue.versions(VALUE) == catalogue.versions("tidecast.JobStatus") == [1, 2, 3, 4]
        assert catalogue.version(VALUE, "4") == {
            "subject": VALUE,
            "version": 4,
            "id": id_of("JobStatus"),
            "schema": shipped[-1].text,
        }

    def test_a_command_topic_lists_all_its_record_types(self, catalogue: SchemaCatalogue) -> None:
        """Each as a version, older forms too, so that a stock serialiser finds whichever it sends."""
        names = {
            json.loads(catalogue.version(COMMANDS, str(number))["schema"])["name"]
            for number in catalogue.versions(COMMANDS)
        }

        jobs = {"CreateJob", "ConfigureJob", "SubmitJob", "StopJob", "DeleteJob", "RefreshJob"}
        assert names == jobs | {"StartShadow", "SwitchShadow", "StopShadow"}
        shipped = [entry for entry in locked_schemas() if entry.name in names]
        assert catalogue.versions(COMMANDS) == list(range(1, len(shipped) + 1))

    def test_latest_is_the_last_version(self, catalogue: SchemaCatalogue) -> None:
        """For every subject."""
        for subject in catalogue.subjects():
            last = catalogue.versions(subject)[-1]
            assert catalogue.version(subject, "latest") == catalogue.version(subject, str(last))

    @pytest.mark.parametrize("version", ["0", "99", "-1", "1.0", "", "first", " 1", "9" * 5000])
    def test_an_unknown_version(self, catalogue: SchemaCatalogue, version: str) -> None:
        """404, however strange it is written."""
        error = refusal(catalogue.version, COMMANDS, version)

        assert (error.status, error.error_code) == (404, 40402)

    def test_an_unknown_subject(self, catalogue: SchemaCatalogue) -> None:
        """404 on every path that names it."""
        body = {"schema": '"string"'}
        errors = [
            refusal(catalogue.versions, "nobody"),
            refusal(catalogue.version, "nobody", "1"),
            refusal(catalogue.find, "nobody", body),
            refusal(catalogue.register, "nobody", body),
        ]

        assert {(error.status, error.error_code, error.message) for error in errors} == {
            (404, 40401, "Subject nobody not found")
        }


class TestPosting:
    """What stock serialisers ask: is this schema there, and under which id?"""

    @pytest.mark.parametrize("name", current_schemas())
    def test_decision15_an_identical_schema_answers_its_id(self, catalogue: SchemaCatalogue, name: str) -> None:
        """Registering what is there is what an auto-registering serialiser does first."""
        for subject in (f"tidecast.{name}", *(s for s in catalogue.subjects() if s.endswith("-value"))):
            names = [
                json.loads(catalogue.version(subject, str(number))["schema"])["name"]
                for number in catalogue.versions(subject)
            ]
            if name in names:
                assert catalogue.register(subject, {"schema": text_of(name)}) == {"id": id_of(name)}

    def test_find_answers_subject_version_and_id(self, catalogue: SchemaCatalogue) -> None:
        """The version within the subject, not within the record type."""
        found = catalogue.find(COMMANDS, {"schema": text_of("SubmitJob")})

        assert found["id"] == id_of("SubmitJob")
        assert found == catalogue.version(COMMANDS, str(found["version"]))

    @pytest.mark.parametrize("indent", [None, 2])
    def test_layout_and_documentation_do_not_matter(self, catalogue: SchemaCatalogue, indent: int | None) -> None:
        """A client may send the schema as its Avro library writes it."""
        schema = json.loads(text_of("DeleteJob"))
        for part in (schema, *schema["fields"]):
            del part["doc"]
        body = {"schema": json.dumps(schema, indent=indent, sort_keys=True), "schemaType": "AVRO"}

        assert catalogue.register("tidecast.DeleteJob", body) == {"id": id_of("DeleteJob")}

    def test_decision15_another_schema_is_refused(self, catalogue: SchemaCatalogue) -> None:
        """409, which says what to do instead."""
        schema = text_of("DeleteJob").replace('"job_id"', '"number"')

        error = refusal(catalogue.register, "tidecast.DeleteJob", {"schema": schema})

        assert (error.status, error.error_code) == (409, 409)
        assert "TIDECAST_REGISTRY_URL" in error.message

    def test_a_schema_of_another_subject_is_not_found(self, catalogue: SchemaCatalogue) -> None:
        """40403 for looking up, 409 for registering."""
        body = {"schema": text_of("DeleteJob")}

        assert refusal(catalogue.find, VALUE, body).error_code == 40403
        assert refusal(catalogue.register, VALUE, body).status == 409

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({}, id="empty"),
            pytest.param({"schema": None}, id="null"),
            pytest.param({"schema": {"type": "string"}}, id="schema-not-as-text"),
            pytest.param([], id="array"),
            pytest.param("text", id="text"),
            pytest.param({"schema": ""}, id="empty-text"),
            pytest.param({"schema": "{"}, id="no-json"),
            pytest.param({"schema": "5"}, id="number"),
            pytest.param({"schema": '"strin"'}, id="unknown-type"),
            pytest.param({"schema": '{"type": "record"}'}, id="no-name"),
            pytest.param({"schema": "[" * 100_000}, id="endless-nesting"),
            pytest.param({"schema": '{"type": "record", "name": "A", "fields": 5}'}, id="fields-not-an-array"),
            pytest.param({"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"}, id="another-language"),
        ],
    )
    def test_what_is_no_avro_schema_is_refused(self, catalogue: SchemaCatalogue, body: Any) -> None:
        """422 with Confluent's code, never an unexpected error."""
        for call in (catalogue.find, catalogue.register):
            error = refusal(call, VALUE, body)

            assert (error.status, error.error_code) == (422, 42201)
