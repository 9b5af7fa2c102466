"""A model's file on its way: looked through once, when it comes, then loaded wherever it is asked.

What is kept to be loaded begins with a line of JSON, which says what the model is, and goes on with the file as it was
written anew. Both need a process of their own, with limits of memory and time: reading a file is enough to be attacked.
"""

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from models.scoring.info import BadModelError, ModelInfo, ScoringModel

__all__ = ["Kind", "Prepared", "kind_of", "load", "prepare"]

Kind = Literal["pmml", "onnx"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that may be used: what it is, and what is kept to be loaded."""

    info: ModelInfo
    content: bytes


def prepare(kind: Kind, content: bytes, *, java: str | None = None, task: str | None = None) -> Prepared:
    """Look through a file, load it, and let it answer once; BadModelError where it cannot be used.

    `java` is a Java launcher, for PMML. `task` is what the model is for where the file cannot tell.
    """
    is_xml = content[:256].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00").startswith(b"<")
    if kind == "onnx":
        if is_xml:
            raise BadModelError("type: is onnx, but the file holds XML: send it as pmml")
        return _prepared_onnx(content, task)
    if not is_xml:
        raise BadModelError("type: is pmml, but the file is no XML document" + (": send it as onnx" if content else ""))
    return _prepared_pmml(content, java, task)


# Engines are imported where they are needed: a process has one or the other, and neither is small.
# ruff: noqa: PLC0415


def _prepared_onnx(content: bytes, task: str | None) -> Prepared:
    from models.scoring.onnx_file import parsed, renewed
    from models.scoring.onnx_tasks import decided

    found = parsed(content)
    try:
        info, plan = decided(found, task)
    except BadModelError as error:
        newer = renewed(found) if "NOT_IMPLEMENTED" in str(error) else None
        if newer is None:
            raise
        found = newer
        info, plan = decided(found, task)
        if not plan["tried"]:  # it was changed, and has not shown that it still works
            raise
    return Prepared(info, _joined(info, plan, found.content))


def _prepared_pmml(content: bytes, java: str | None, task: str | None) -> Prepared:
    from models.scoring.pmml_file import parsed
    from models.scoring.pmml_model import PmmlModel

    found = parsed(content, task)
    model = PmmlModel.load(found.content, found.info, found.plan, java)
    model.warm()
    return Prepared(model.info, _joined(model.info, found.plan, found.content))


def kind_of(prepared: bytes) -> Kind:
    """What `prepare` was told that the file is."""
    kind: Kind = orjson.loads(prepared.partition(b"\n")[0])["info"]["kind"]
    return kind


def load(prepared: bytes, *, java: str | None = None) -> ScoringModel:
    """The model of what `prepare` gave; BadModelError where its engine cannot load it any more."""
    head, _, content = prepared.partition(b"\n")
    told = orjson.loads(head)
    info, plan = ModelInfo.of(told["info"]), told["plan"]
    if info.kind == "onnx":
        from models.scoring.onnx_model import OnnxModel

        return OnnxModel.load(content, info, plan)
    from models.scoring.pmml_model import PmmlModel

    return PmmlModel.load(content, info, plan, java)


def _joined(info: ModelInfo, plan: dict[str, Any], content: bytes) -> bytes:
    return orjson.dumps({"info": info.plain(), "plan": plan}) + b"\n" + content
