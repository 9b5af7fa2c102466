"""The fields of a config (contract T-054 … T-070): the form of each, for whoever checks and for whoever documents."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

__all__ = ["CONFIG_FIELDS", "DATA_FIELDS", "PATH_FIELDS", "ConfigField", "Kind"]


class Kind(Enum):
    """What a field holds."""

    WHOLE = auto()
    """A whole number, as a number or as a text (T-035)."""
    TEXT = auto()
    PATH = auto()
    """A text that leads into the object store."""
    FLAG = auto()
    PARAMETERS = auto()
    SOURCES = auto()
    VOLUMES = auto()


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One field; `words` are for the reader of the API document."""

    name: str
    kind: Kind
    words: str
    example: Any = None


CONFIG_FIELDS: Final = {
    field.name: field
    for field in (
        ConfigField("worker_server_num", Kind.WHOLE, "How many workers run a version; needed.", 1),
        ConfigField("app_url", Kind.PATH, "The folder of the code; needed without model_id."),
        ConfigField("boot_file_url", Kind.PATH, "The file in app_url that is started; needed without model_id."),
        ConfigField("model_id", Kind.WHOLE, "A built-in algorithm of GET /v1/{project_id}/built-in-algorithms.", 1),
        ConfigField("engine_id", Kind.WHOLE, "The engine that runs a boot file; 1 where it is left out."),
        ConfigField("spec_id", Kind.WHOLE, "The resources; needed, or pool_id.", 1),
        ConfigField("pool_id", Kind.TEXT, "A dedicated pool; kept and shown."),
        ConfigField(
            "parameter",
            Kind.PARAMETERS,
            "Run parameters, each with label and value: hyper-parameters of the algorithm and fields of forecasting "
            "jobs, such as next_k_prediction; arguments of a boot file. What an algorithm does not know is ignored.",
        ),
        ConfigField("data_url", Kind.PATH, "The data: a path such as /uploads/sales.jsonl; one of three forms."),
        ConfigField("dataset_id", Kind.TEXT, "The data: a data set, with dataset_version_id; one of three forms."),
        ConfigField("dataset_version_id", Kind.TEXT, "Goes with dataset_id."),
        ConfigField(
            "data_source",
            Kind.SOURCES,
            "The data: elements of type obs with data_url, or of type dataset with dataset_id and dataset_version; one "
            "of three forms.",
        ),
        ConfigField("train_url", Kind.PATH, "Where results are written, such as /outputs/sales/."),
        ConfigField("log_url", Kind.PATH, "Kept and shown; the log is at …/aom-log."),
        ConfigField("user_image_url", Kind.TEXT, "An image; kept and shown, never run."),
        ConfigField("user_command", Kind.TEXT, "The image's command; kept and shown, never run."),
        ConfigField("volumes", Kind.VOLUMES, "Elements with nfs and host_path; kept and shown, never mounted."),
        ConfigField("create_version", Kind.FLAG, "false: the job has no version yet."),
        ConfigField("pre_version_id", Kind.WHOLE, "Of a new version: the one it comes from; left out: the newest."),
    )
}
"""By name."""
PATH_FIELDS: Final = tuple(name for name, field in CONFIG_FIELDS.items() if field.kind is Kind.PATH)
DATA_FIELDS: Final = ("data_url", "dataset_id", "dataset_version_id", "data_source")
"""What says where the data is: they are one field, in three forms (T-071, decision 23)."""
