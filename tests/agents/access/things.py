"""Things of project `sales`, as rows, files and points; what belongs to `sales` and to nobody else."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from agents.datasets import apply_command
from connectors.kafka.publisher import Record, partition_for
from connectors.objects import scoring_models
from connectors.objects.endpoints import model_key, publish
from connectors.objects.layout import OUTPUTS, PRODUCER, UPLOADS, in_project
from schemas.datasets import AddDataset
from schemas.deployments import DeployService, ScoringAnswerRecord
from schemas.forecasting import CreateJob
from schemas.inference import StartTransform
from schemas.scoring import AddModel
from schemas.scoring_jobs import DeployScoringJob
from schemas.series import Forecast
from schemas.tracking import ExperimentRecord, TrackRun
from schemas.training import CreateTrainingJob, CreateVisualizationJob
from schemas.training_rows import TrainingConfigurationRecord
from schemas.workloads import MetricPoint
from streams.access.caller import Caller, Role
from streams.access.names import scoped
from streams.deployments.requests import key_of as request_key
from streams.deployments.services import deployed
from streams.deployments.state import DeploymentsState, note_use
from streams.forecasting.forecast_table import NewForecast, SubmissionNumber
from streams.forecasting.jobs import created
from streams.forecasting.state import ForecastingState
from streams.inference.state import TransformState
from streams.inference.transforms import COMPLETED, begun, ended
from streams.scoring.models import record_of, stored
from streams.scoring.state import ScoringState
from streams.scoring_jobs import runs, scripts
from streams.scoring_jobs.jobs import begun as new_scoring_job
from streams.scoring_jobs.scripts import Script
from streams.scoring_jobs.state import ScoringJobsState
from streams.tracking import experiments
from streams.tracking import runs as tracked_runs
from streams.tracking.state import TrackingState
from streams.training.configs import Limits
from streams.training.configurations import key_of_configuration
from streams.training.jobs import created as new_training
from streams.training.jobs import key_of
from streams.training.state import TrainingJobsState
from streams.training.versions import key_of_version
from streams.training.visualizations import created as new_look
from tests.agents.bench import AT, CODEC, Worker
from tests.agents.inference.transforms_samples import ENDPOINT
from tests.agents.workloads.conftest import Keeping

__all__ = ["ANNA", "BOB", "PROJECT", "Things"]

PROJECT: Final = "sales"
ANNA: Final = Caller("anna", PROJECT, Role.ADMIN)
"""Whose the things are."""
BOB: Final = Caller("bob", "stock", Role.ADMIN)
"""Of another project."""
_CONFIG: Final = (
    '{"worker_server_num": 1, "spec_id": 1, "model_id": 1, "data_url": "/uploads/a.csv", "train_url": "/outputs/a/"}'
)
_CSV: Final = b"time,shop,sold\n2026-01-01,a,1\n2026-01-02,a,2\n2026-01-03,a,3\n"


class Things:
    """A worker's rows and files."""

    data_id: Final = 101
    job_id: Final = 102
    ts_id: Final = 103
    file: Final = "letters.txt"
    uid: Final = "fj-102-103-0"
    training_id: Final = 104
    config_name: Final = "shop_config"
    visualization_id: Final = 10_555
    endpoint: Final = "shop_endpoint"
    transform: Final = "shop_transform"
    model: Final = "shop_model"
    service: Final = "shop_service"
    dataset: Final = "shop.csv"
    script: Final = "shop_script"
    scoring_job: Final = "shop_scoring"
    run_id: str = ""
    experiment: Final = "shop_experiment"
    experiment_id: Final = experiments.id_of("shop_experiment")
    tracked_run: Final = "shop_tracked_run"

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._points = Keeping(worker, worker.runtime.settings.home / "points")

    async def make(self) -> None:
        """Let there be one of each kind."""
        await self._forecasting()
        await self._training()
        await self._serving()
        await self._scoring()
        await self._scoring_jobs()
        await self._tracking()
        for folder in (UPLOADS, OUTPUTS):
            self.worker.runtime.store.put_bytes(in_project(PROJECT, folder.key(self.file)), b"abc")
        point = MetricPoint(scoped(PROJECT, self.uid), "loss", 1.0, 1_600_000_000_000, 1, "log")
        await self.worker.publisher.send(
            [Record(self.worker.runtime.topics.metrics, point.workload_uid.encode(), CODEC.encode(point))]
        )
        self._points.keep()
        self.worker.forget()

    def keep(self) -> None:
        """Take in the points that were posted."""
        self._points.keep()

    def close(self) -> None:
        """Let go of what is open."""
        self._points.store.close()

    def _place(self, key: bytes) -> int:
        return partition_for(key, self.worker.runtime.topics.partitions)

    async def _training(self) -> None:
        part = TrainingJobsState.of(self.worker.runtime)
        home, limits = self._place(PROJECT.encode()), Limits(most_workers=1, most_samples=10)
        create = CreateTrainingJob("c-training", PROJECT, self.training_id, "shop_training", _CONFIG, project=PROJECT)
        job, version = new_training(create, {}, limits, at=0)
        assert version is not None
        await part.versions.put(home, key_of_version(PROJECT, self.training_id, version.version_id), version)
        await part.jobs.put(home, key_of(PROJECT, self.training_id), job)
        config = TrainingConfigurationRecord(PROJECT, self.config_name, "c-config", 0, "{}")
        await part.configurations.put(home, key_of_configuration(PROJECT, self.config_name), config)
        look = CreateVisualizationJob("c-look", PROJECT, self.visualization_id, "shop_look", "/outputs/a/")
        await part.visualizations.put(home, key_of(PROJECT, self.visualization_id), new_look(look, at=0))

    async def _serving(self) -> None:
        runtime: Any = self.worker.runtime
        name = scoped(PROJECT, self.endpoint)
        served = replace(ENDPOINT, name=name, model_key=model_key(name, "1"), project_id=PROJECT)
        publish(runtime.store, served, b"model")
        job = scoped(PROJECT, self.transform)
        start = StartTransform("c-transform", job, name, "/uploads/shop.jsonl", "/outputs/shop")
        record = ended(begun(start, at=0), COMPLETED, at=1)
        runtime.store.put_bytes(record.output_key, b"{}\n")
        await TransformState.of(runtime).transforms.put(self._place(job.encode()), job.encode(), record)

    async def _scoring(self) -> None:
        runtime: Any = self.worker.runtime
        add = AddModel("c-model", scoped(PROJECT, self.model), "producer/shop.onnx", file_name="shop.onnx")
        info = {"task": "regression", "algorithm": "Linear", "engine": "onnx", "inputs": [], "targets": []}
        model = record_of(add, info, size=3, at=0, digest="", offset=0)
        runtime.store.put_bytes("scoring-models/here", b"abc")
        with runtime.store.local_file("scoring-models/here") as file:
            scoring_models.publish(runtime.store, stored(model), file, b"served")
        await ScoringState.of(runtime).models.put(self._place(model.name.encode()), model.name.encode(), model)
        deploy = DeployService("c-service", scoped(PROJECT, self.service), model.name, "3.7")
        service = deployed(deploy, model, at=0, digest="", offset=0)
        paused, key = replace(service, paused=service.replicas), service.name.encode()
        await DeploymentsState.of(runtime).services.put(self._place(key), key, paused)
        note_use(runtime.store, model.name, service.name)
        answer = ScoringAnswerRecord(request_id="shop_request", service=service.name, created=0, ended=1, result="{}")
        request = request_key(service.name, answer.request_id)
        await DeploymentsState.of(runtime).scoring_answers.put(self._place(key), request, answer)

    async def _scoring_jobs(self) -> None:
        runtime: Any = self.worker.runtime
        script = Script(self.script, ".py", self.dataset, "scored.csv", self.model, "")
        scripts.keep(runtime.store, script, PROJECT)
        deploy = DeployScoringJob("c-scoring", scoped(PROJECT, self.scoring_job), self.script)
        job = new_scoring_job(deploy, script, at=0, offset=0, environments=["3.7"])
        self.run_id = runs.id_of(job, "c-scoring")
        run = runs.begun(job, self.run_id, "shop_run", deploy, at=0, output_id=106)
        key, part = job.name.encode(), ScoringJobsState.of(runtime)
        await part.jobs.put(self._place(key), key, job)
        await part.runs.put(self._place(key), runs.key_of(job.name, self.run_id), run)

    async def _tracking(self) -> None:
        part = TrackingState.of(self.worker.runtime)
        name = scoped(PROJECT, self.experiment_id)
        experiment = ExperimentRecord(name, "c-experiment", self.experiment, 0)
        await part.experiments.put(self._place(name.encode()), name.encode(), experiment)
        uid = scoped(PROJECT, tracked_runs.uid_of(self.tracked_run))
        begin = TrackRun("c-run", uid, self.tracked_run, "mlflow", begin=True, name="shop_tracked")
        await part.runs.put(self._place(uid.encode()), uid.encode(), tracked_runs.begun(begin, at=0))

    async def _forecasting(self) -> None:
        runtime: Any = self.worker.runtime
        part = ForecastingState.of(runtime)
        path = PRODUCER.key("shop.csv")
        runtime.store.put_bytes(in_project(PROJECT, path), _CSV)
        add = AddDataset("c-data", self.data_id, "shop", path, "shop.csv", project=PROJECT)
        apply_command(runtime.store, add, datetime.fromtimestamp(AT, UTC))
        job = created(CreateJob("c-job", self.job_id, self.data_id, "shop_job", project=PROJECT), at=0)
        await part.jobs.put(self._place(b"%d" % self.job_id), job)
        forecast = Forecast(self.job_id, self.ts_id, 0, "a", "LinearFit", 0, (1,), (1.0,), project=PROJECT)
        key = b"%d" % self.ts_id
        new = NewForecast(key, SubmissionNumber(self.job_id, 0), CODEC.encode(forecast), again=False)
        await part.forecasts.put(self._place(key), [new])
