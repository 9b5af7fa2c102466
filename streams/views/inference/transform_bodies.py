"""Bodies of transform jobs: a CreateTransformJob request as SageMaker's clients write it, and our answers."""

from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictStr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    field_validator,
)

from schemas.inference import StartTransform
from streams.views.web.strict import ForgivingBody

__all__ = ["TransformBody", "TransformReply", "TransformStartedReply", "TransformsReply"]

Status = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped"]


def _environment(value: Any) -> Any:
    """DEEPAR_INFERENCE_CONFIG is JSON as a text (D-054); an object is a likely slip, and said so."""
    if isinstance(value, dict) and not isinstance(value.get("DEEPAR_INFERENCE_CONFIG", ""), str):
        raise ValueError("DEEPAR_INFERENCE_CONFIG: expected JSON as a text, with its quotation marks escaped")
    return value


_EnvironmentField = Annotated[
    dict[str, StrictStr],
    BeforeValidator(_environment),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                "DEEPAR_INFERENCE_CONFIG": {
                    "type": "string",
                    "examples": ['{"num_samples": 200, "output_types": ["mean"]}'],
                }
            },
            "additionalProperties": {"type": "string"},
        }
    ),
]


class S3DataSource(ForgivingBody):
    """The input file."""

    S3Uri: StrictStr = Field(
        description="A path under the data root such as /uploads/batch.jsonl; of s3://bucket/key the key counts. "
        "A file that ends in .gz is unpacked."
    )
    S3DataType: Literal["S3Prefix"] = Field("S3Prefix", description="Accepted; S3Uri always names one file.")


class DataSource(ForgivingBody):
    """Where the input is."""

    S3DataSource: S3DataSource


def _json_kind(kind: str | None) -> str | None:
    """Whoever asks for CSV would find out in the file that it is none."""
    if kind and "json" not in kind.lower() and "*/*" not in kind:
        raise ValueError("there is JSON Lines alone: expected application/jsonlines")
    return kind


_JsonKind = Annotated[StrictStr | None, AfterValidator(_json_kind)]


class TransformInputBody(ForgivingBody):
    """The input: JSON Lines."""

    DataSource: DataSource
    SplitType: Literal["Line", "None"] | None = Field(None, description="Lines are always split.")
    AssembleWith: Literal["Line", "None"] | None = Field(None, description="As TransformOutput's, which wins.")
    CompressionType: Literal["None", "Gzip"] | None = Field(
        None, description="Gzip for a file that ends in .gz, by which it is known."
    )
    ContentType: _JsonKind = Field(None, description="A kind of JSON: lines of JSON are what is read.")

    @field_validator("CompressionType")
    @classmethod
    def _named_as_packed(cls, kind: str | None, given: ValidationInfo) -> str | None:
        source = given.data.get("DataSource")
        if kind == "Gzip" and source is not None and not source.S3DataSource.S3Uri.endswith(".gz"):
            raise ValueError("a packed file is known by its name, and S3Uri does not end in .gz: expected None")
        return kind


class TransformOutputBody(ForgivingBody):
    """The output: one prediction per line, in the order of the input."""

    S3OutputPath: StrictStr = Field(
        description="A folder such as /outputs/b1; the file there is the input's with .out."
    )
    AssembleWith: Literal["Line", "None"] | None = Field(
        None, description="Line: each prediction on a line of its own; None, as absent: all on one line."
    )
    Accept: _JsonKind = Field(None, description="A kind of JSON: lines of JSON are what is written.")


_NOT_DONE: Final = {
    "InputFilter": "fields of a line that are of no use are ignored; leave it out, or send $",
    "OutputFilter": "output_types of DEEPAR_INFERENCE_CONFIG says what is written; leave it out, or send $",
    "JoinSource": "the output has the order of the input's lines, so join it to them; leave it out, or send None",
}
"""What to do instead."""


class DataProcessingBody(ForgivingBody):
    """SageMaker's filters and joins: what would change the output is refused, lest it is missed in the file."""

    InputFilter: Literal["$"] | None = Field(None, description="What of a line is read: all of it.")
    OutputFilter: Literal["$"] | None = Field(None, description="What of an answer is written: all of it.")
    JoinSource: Literal["None"] | None = Field(None, description="Whether inputs stand beside answers: they do not.")

    @field_validator("InputFilter", "OutputFilter", "JoinSource", mode="wrap")
    @classmethod
    def _with_remedy(cls, value: Any, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return check(value)
        except ValidationError:
            raise ValueError(_NOT_DONE[str(info.field_name)]) from None


class TransformBody(ForgivingBody):
    """A new transform job. SageMaker's other fields are accepted and mean nothing here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "TransformJobName": "departures-1",
                    "ModelName": "departures",
                    "BatchStrategy": "SingleRecord",
                    "Environment": {"DEEPAR_INFERENCE_CONFIG": '{"num_samples": 200, "output_types": ["mean"]}'},
                    "TransformInput": {
                        "SplitType": "Line",
                        "DataSource": {"S3DataSource": {"S3Uri": "/uploads/departures.jsonl"}},
                    },
                    "TransformOutput": {"AssembleWith": "Line", "S3OutputPath": "/outputs/departures"},
                }
            ]
        }
    )
    TransformJobName: StrictStr = Field(pattern="^[A-Za-z0-9_-]{1,64}$", description="Unique.")
    ModelName: StrictStr = Field(description="The endpoint: the name of the training job that made it.")
    BatchStrategy: Literal["SingleRecord", "MultiRecord"] | None = Field(
        None, description="Each line is always a request of its own."
    )
    Environment: _EnvironmentField | None = Field(
        None, description="DEEPAR_INFERENCE_CONFIG: what is asked for, for all lines."
    )
    TransformInput: TransformInputBody
    TransformOutput: TransformOutputBody
    DataProcessing: DataProcessingBody | None = Field(
        None, description="Filters and joins: not done, and refused where they are asked for."
    )
    on_error: Literal["fail", "emit"] = Field(
        "fail", description='emit: a wrong line becomes {"error": "..."} in its place; fail: the job fails.'
    )

    def to_event(self, command_id: str) -> StartTransform:
        """The command; what is absent as SageMaker has it (D-058)."""
        return StartTransform(
            command_id=command_id,
            name=self.TransformJobName,
            model_name=self.ModelName,
            input_path=self.TransformInput.DataSource.S3DataSource.S3Uri,
            output_path=self.TransformOutput.S3OutputPath,
            inference_config=(self.Environment or {}).get("DEEPAR_INFERENCE_CONFIG"),
            assemble_with=self.TransformOutput.AssembleWith or self.TransformInput.AssembleWith or "None",
            on_error=self.on_error,
        )


class TransformStartedReply(BaseModel):
    """A job and its status."""

    TransformJobName: str
    TransformJobStatus: Status


class TransformSummary(TransformStartedReply):
    """A job in a list."""

    CreationTime: str = Field(description="ISO-8601 with offset.")
    TransformEndTime: str | None = None
    FailureReason: str | None = None


class TransformsReply(BaseModel):
    """All jobs, the newest first."""

    TransformJobSummaries: list[TransformSummary]


class TransformReply(TransformSummary):
    """A job, what was asked for and how far it is."""

    ModelName: str
    BatchStrategy: Literal["SingleRecord"]
    Environment: dict[str, str]
    TransformInput: dict[str, Any]
    TransformOutput: dict[str, Any]
    OutputFile: str = Field(description="Path of the output file, there once the job is completed.")
    on_error: Literal["fail", "emit"]
    lines: int = Field(description="Lines that are not blank; 0 until they are counted.")
    finished: int = Field(description="Lines that are answered.")
