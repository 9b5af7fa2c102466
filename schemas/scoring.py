"""What is said of users' models (contract 003), and the row that is kept of each. Times are epoch milliseconds."""

from schemas.values import record

__all__ = ["TYPES", "AddModel", "DeleteModel", "ModelInput", "ModelOutput", "ModelRecord"]


@record()
class AddModel:
    """Register a PMML or ONNX file that lies in the object store (contract S-030 … S-036).

    `model_type` is ``pmml`` or ``onnx``, empty to go by the suffix. `task` is for files that cannot tell it.
    """

    command_id: str
    name: str
    path: str
    model_type: str = ""
    descript: str = ""
    file_name: str = ""
    task: str = ""


@record()
class DeleteModel:
    """Remove a model (contract S-039, S-040); with `force` also where a service uses it."""

    command_id: str
    name: str
    force: bool = False


@record()
class ModelInput:
    """An input of a model; in `shape` -1 stands for any length, and a single value has none."""

    name: str
    type: str
    measure: str | None = None
    values: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None


@record()
class ModelOutput:
    """An output of a model, likewise."""

    name: str
    type: str
    measure: str | None = None
    values: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None


@record(kw_only=True)
class ModelRecord:
    """One model in the table `models`; `file_key` is what was uploaded, `model_key` what is loaded of it.

    `offset` is where the command lies that made it, -1 where that was not kept.
    """

    name: str
    command_id: str
    model_type: str
    descript: str
    file_name: str
    file_key: str
    model_key: str
    size: int
    created: int
    task: str
    algorithm: str
    engine: str
    inputs: tuple[ModelInput, ...]
    targets: tuple[ModelOutput, ...]
    digest: str = ""
    offset: int = -1


TYPES: tuple[type, ...] = (AddModel, DeleteModel, ModelRecord)
