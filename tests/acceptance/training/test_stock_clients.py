"""Stock clients of ModelArts, unchanged: T-Systems' otcextensions on openstacksdk, and Huawei's low-level client."""

from typing import Any

import openstack
import otcextensions.sdk
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import ModelArtsClient
from keystoneauth1 import session
from keystoneauth1.noauth import NoAuth

from models.catalog import CATALOG
from tests.acceptance.training.training_jobs_samples import TINY, body, ended, name_of
from tests.integration.services import Api, Service, until


@pytest.fixture(scope="module")
def cloud(service: Service) -> Any:
    """Makes the SDK's connection to a project, as its users have one who know the address and need no password."""

    def connected(project: str) -> Any:
        endpoint = f"{service.stack.url}/v1/{project}"
        made = openstack.connection.Connection(session=session.Session(auth=NoAuth(endpoint=endpoint)))
        otcextensions.sdk.load(made)
        return made

    return connected


@pytest.fixture
def sdk(cloud: Any, project: str) -> Any:
    """The SDK's ModelArts calls."""
    return cloud(project).modelartsv1


class TestOtcExtensions:
    """All calls that it can make (T-005 … T-019), and by its session those that its own mistake keeps it from."""

    def test_T005_T006_jobs(self, sdk: Any, api: Api, project: str) -> None:
        """Created, listed by pages, described anew, deleted."""
        names = sorted(name_of("sdk") for _ in range(3))
        jobs = [sdk.create_training_job(**body(name), job_desc="first") for name in names]
        assert [(job.job_name, job.status, job.version_name) for job in jobs] == [(name, 1, "V0001") for name in names]
        assert [one.job_name for one in sdk.training_jobs(search_content="SDK", sort_by="job_name")] == names
        assert [one.job_name for one in sdk.training_jobs(limit=2, offset=2)] == names[2:]
        assert [one.job_id for one in sdk.training_jobs(order="desc", limit=1, offset=1)] == [jobs[2].job_id]
        assert list(sdk.training_jobs(search_content="nothing")) == []

        sdk.update_training_job(jobs[0].job_id, "second")
        assert api.get(f"/v1/{project}/training-jobs/{jobs[0].job_id}")["job_desc"] == "second"
        sdk.delete_training_job(jobs[0].job_id)
        assert [one.job_name for one in sdk.training_jobs()] == names[1:]
        with pytest.raises(openstack.exceptions.BadRequestException, match=r"ModelArts\.0103") as refusal:
            sdk.create_training_job(**body(names[1]))
        assert refusal.value.response.json()["error_message"] == f"Job name:{names[1]} is existed"
        with pytest.raises(openstack.exceptions.NotFoundException):
            sdk.delete_training_job(jobs[0].job_id)

    def test_T007_T011_versions(self, sdk: Any, project: str, api: Api, data_url: str) -> None:
        """Its own call lists them; creation, detail, stop, log and deletion go by its session."""
        long = [{"label": label, "value": value} for label, value in {**TINY, "epochs": "1000"}.items()]
        sent = body(name_of("versions"), data_url, parameter=long)
        job = sdk.create_training_job(**sent)
        path = f"/training-jobs/{job.job_id}/versions"
        made = sdk.post(f"{path}/", json={"config": {**sent["config"], "pre_version_id": job.version_id}}).json()
        assert made["version_name"] == "V0002"
        assert [one.version_name for one in sdk.training_job_versions(job.job_id)] == ["V0002", "V0001"]
        assert [one.version_id for one in sdk.training_job_versions(job.job_id, limit=1, offset=2)] == [job.version_id]
        assert sdk.get(f"{path}/{made['version_id']}").json()["pre_version_id"] == job.version_id
        for version_id in (made["version_id"], job.version_id):
            assert sdk.post(f"{path}/{version_id}/stop").json() == {"is_success": True}
        stopped = ended(api, project, made)
        assert stopped["status"] in (12, 13)
        assert sdk.get(f"{path}/{made['version_id']}/log/file-names").json()["is_success"] is True
        assert sdk.delete(f"{path}/{made['version_id']}").json() == {"is_success": True}
        assert sdk.get(f"{path}/{made['version_id']}").status_code == 404

    def test_T013_T016_configurations(self, sdk: Any) -> None:
        """It sends of an update only what changes: the rest stays (decision 23)."""
        sdk.create_training_job_config(config_name="daily", worker_server_num=1, spec_id=1, train_url="/a/")
        assert [one.config_name for one in sdk.training_job_configs(limit=10, offset=1)] == ["daily"]
        sdk.update_training_job_config("daily", config_desc="x")
        shown = sdk.get_training_job_config("daily")
        assert (shown.config_desc, shown.train_url) == ("x", "/a/")
        assert len(list(sdk.training_job_configs(config_type="sample", limit=1000, offset=1))) == len(CATALOG)
        sdk.delete_training_job_config("daily")
        assert list(sdk.training_job_configs()) == []

    def test_T017_visualization_jobs(self, sdk: Any) -> None:
        """From creation to deletion."""
        schedule = {"type": "stop", "time_unit": "HOURS", "duration": 1}
        made = sdk.create_visualization_job(job_name="curves", train_url="/out/", schedule=schedule)
        assert made.service_url.startswith("http://")
        assert [one.job_name for one in sdk.visualization_jobs()] == ["curves"]
        sdk.update_visualization_job(made.job_id, "all of them")
        sdk.stop_visualization_job(made.job_id)
        shown = sdk.get_visualization_job(made.job_id)
        assert (shown.status, shown.job_desc, shown.schedule.duration) == (12, "all of them", 1)
        sdk.restart_visualization_job(made.job_id)
        assert sdk.get_visualization_job(made.job_id).status == 8
        sdk.delete_visualization_job(made.job_id)
        assert list(sdk.visualization_jobs()) == []

    def test_T019_engines_specifications_algorithms(self, sdk: Any) -> None:
        """The three lists that it wants."""
        assert [one.engine_id for one in sdk.job_engines(job_type="train")] == [1, 2]
        assert [one.spec_code for one in sdk.job_flavors(job_type="train")] == ["tidecast.cpu"]
        assert [one.model_name for one in sdk.builtin_models()] == list(CATALOG)
        assert [one.model_name for one in sdk.builtin_models(limit=2, offset=2)] == list(CATALOG)[2:4]
        assert sdk.find_builtin_model("DeepAR").model_id == 5


class _Answer:
    """What Huawei's client makes of an answer: it wants a class."""

    openapi_types = {"is_success": "bool", "job_id": "int", "version_name": "str", "job_total_count": "int"}  # noqa: RUF012
    attribute_map = {name: name for name in openapi_types}  # noqa: RUF012

    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)


class TestHuawei:
    """`do_http_request` of its client: the requests are signed, which a service without access control ignores."""

    def test_T005_T136_a_job_from_creation_to_deletion(self, service: Service, project: str) -> None:
        """With bodies, queries, and a refusal as its exception."""
        credentials = BasicCredentials("ak", "sk", project)
        client = ModelArtsClient.new_builder().with_credentials(credentials).with_endpoints([service.stack.url]).build()

        def call(method: str, path: str, **given: Any) -> Any:
            headers = {"Content-Type": "application/json"}
            return client.do_http_request(
                method, f"/v1/{{project_id}}{path}", header_params=headers, response_type=_Answer, **given
            )

        sent = body(name_of("huawei"))
        made = call("POST", "/training-jobs", body=sent)
        assert (made.is_success, made.version_name) == (True, "V0001")
        listed = call("GET", "/training-jobs", query_params=[("search_content", "huawei"), ("per_page", 5)])
        assert listed.job_total_count == 1
        with pytest.raises(ClientRequestException) as refusal:
            call("POST", "/training-jobs", body=sent)
        assert refusal.value.status_code == 400
        assert "is existed" in refusal.value.error_msg  # the whole body: it looks for other names of its fields
        path = f"/training-jobs/{made.job_id}"
        until(lambda: call("POST", f"{path}/versions", body={"config": sent["config"]}), why="there is a version")
        assert call("DELETE", path).is_success is True
