"""A client that is generated from the API document, by a generator as it comes, forecasts with the service."""

import importlib
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from tests.integration.services import Service

NAME: Final = "tidecast_generated"
CSV: Final = "day,sales\n" + "".join(f"2024-01-{day:02d},{100 + day}\n" for day in range(1, 31))


@pytest.fixture(scope="module")
def left_out() -> list[str]:
    """What the generator could make nothing of."""
    return []


@pytest.fixture(scope="module")
def generated(service: Service, tmp_path_factory: pytest.TempPathFactory, left_out: list[str]) -> Iterator[Any]:
    """Imports a module of the client."""
    folder = tmp_path_factory.mktemp("client")
    config = Config.from_sources(
        ConfigFile(package_name_override=NAME, post_hooks=[]),
        MetaType.NONE,
        document_source=f"{service.stack.url}/openapi.json",
        file_encoding="utf-8",
        overwrite=True,
        output_path=folder / NAME,
    )
    left_out += [f"{error.header}: {error.detail}" for error in generate(config=config)]
    sys.path.insert(0, str(folder))
    yield lambda module: importlib.import_module(f"{NAME}.{module}")
    sys.path.remove(str(folder))
    for module in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[module]


def test_no_operation_is_left_out(generated: Any, left_out: list[str]) -> None:
    """But for forms of bodies beside JSON, of which this generator knows few."""
    assert [told for told in left_out if "nsupported content" not in told] == []


def test_all_of_it_can_be_imported(generated: Any) -> None:
    """As a user's program begins."""
    folder = Path(generated("client").__file__).parent
    compiled = subprocess.run([sys.executable, "-m", "compileall", "-q", folder], capture_output=True, check=False)

    assert (compiled.returncode, compiled.stdout) == (0, b"")


def test_a_job_from_upload_to_forecast(service: Service, generated: Any) -> None:
    """The four requests of the API page, and its results, by functions and classes of the client."""
    client = generated("client").Client(base_url=service.stack.url, raise_on_unexpected_status=True)
    models = generated("models")

    def call(operation: str, *arguments: Any, **named: Any) -> Any:
        answer = generated(f"api.{operation}").sync(*arguments, client=client, **named)
        assert not isinstance(answer, models.ErrorBody), answer
        return answer

    file = generated("types").File(payload=io.BytesIO(CSV.encode()), file_name="sales.csv", mime_type="text/csv")
    data_id = call("data_sets.add_dataset", body=models.BodyAddDataset(upload=file)).data.id
    job_id = call("forecasting_jobs.create_job", body=models.JobBody(data_id=data_id)).job_id
    columns = models.JobColumnsBody(timestamp_indexs=[0], target_indexs=[1], groupby_indexs=[])
    call("forecasting_jobs.configure_job", job_id, body=columns)
    [series] = call("forecasting_jobs.ts_details", job_id).ts_details
    asked = models.SeriesBody(ts_id=series.ts_id, model_name="LinearFit", hyper_params=[], next_k_prediction=3, refit=1)
    call("forecasting_jobs.submit_job", job_id, body=[asked])
    within = time.monotonic() + 60
    while isinstance(answer := call("forecasting_jobs.job_results", job_id), models.UnfinishedReply):
        assert time.monotonic() < within, answer
        time.sleep(0.05)
    [result] = answer.results

    assert result.results[0].predictions == pytest.approx([131, 132, 133], abs=1)
