"""Commands about things with names: whose the thing is stands before its name, whichever door they come by."""

import pytest

from schemas.deployments import DeployService, OperateReplica
from schemas.inference import StartTransform
from schemas.scoring import AddModel
from streams.deployments import services
from streams.errors import InvalidError, NotFoundError
from streams.inference import transforms
from streams.scoring import models


def test_a_service_answers_for_a_model_of_its_own_project() -> None:
    """Else whoever may name a service of his own could ask the models of all."""
    ours = DeployService("c", "sales=svc", "sales=iris", "3.7")
    services.check_deployment(ours, versions=("3.7",), most=3)
    for service, model in (("sales=svc", "iris"), ("svc", "sales=iris"), ("stock=svc", "sales=iris")):
        with pytest.raises(NotFoundError, match=r"modelName: there is no model 'iris'"):
            services.check_deployment(DeployService("c", service, model, "3.7"), versions=("3.7",), most=3)


def test_replicas_are_of_the_services_project() -> None:
    """Their names begin as its name does."""
    assert services.service_of("sales=svc-0") == "sales=svc"
    services.check_change(OperateReplica("c", "sales=svc", "sales=svc-0", "pause"), most=3)
    with pytest.raises(NotFoundError, match="there is no replica 'svc-0'"):
        services.check_change(OperateReplica("c", "sales=svc", "svc-0", "pause"), most=3)


def test_a_transform_asks_an_endpoint_of_its_own_project() -> None:
    """And reads and writes its files."""
    row = transforms.begun(StartTransform("c", "sales=b1", "sales=m1", "/uploads/a.jsonl", "/outputs/b"), at=0)

    assert row.input_path == "project-files/sales/uploads/a.jsonl"
    assert row.output_key == "project-files/sales/outputs/b/a.jsonl.out"
    assert transforms.misplaced(row) is None
    with pytest.raises(NotFoundError, match="ModelName: there is no endpoint 'm1'"):
        transforms.begun(StartTransform("c", "sales=b1", "m1", "/uploads/a.jsonl", "/outputs/b"), at=0)


@pytest.mark.parametrize("name", ["a=b=c", "a b=c", "=", "sales=", "=b"])
def test_the_name_itself_is_as_everywhere(name: str) -> None:
    """A project before it makes no other name possible."""
    with pytest.raises(InvalidError, match="name: found"):
        models.check_command(AddModel("c", name, "producer/a.onnx"))


def test_a_producers_file_is_read_where_the_projects_files_are() -> None:
    """The path is the one that its users write."""
    assert models.file_of(AddModel("c", "sales=iris", "producer/a.onnx")) == "project-files/sales/producer/a.onnx"
    assert models.file_of(AddModel("c", "iris", "producer/a.onnx")) == "producer/a.onnx"
