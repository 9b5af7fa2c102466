"""Files that other services load, and run what is in them (fault 51): here they are no models, however named."""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import joblib
import pytest

from schemas.scoring import AddModel
from streams.scoring.state import ScoringState
from tests.agents.bench import Worker

_LAYER = '{"module": "os", "class_name": "Lambda", "config": {"function": ["TOUCH", null, null]}}'


class _Touch:
    """Makes a file where it is unpickled."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __reduce__(self) -> object:
        return Path.touch, (self._place,)


def _pickled(place: Path) -> bytes:
    return pickle.dumps(_Touch(place))


def _joblib(place: Path) -> bytes:
    made = io.BytesIO()
    joblib.dump(_Touch(place), made)
    return made.getvalue()


def _h5(place: Path) -> bytes:
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        file.attrs["model_config"] = _LAYER.replace("TOUCH", str(place))
    return made.getvalue()


def _keras(place: Path) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("config.json", _LAYER.replace("TOUCH", str(place)))
        archive.writestr(f"../../../..{place}", "slipped out of the archive")
    return made.getvalue()


@pytest.mark.parametrize("named", ["own", "onnx", "pmml"])
@pytest.mark.parametrize(
    ("suffix", "make"),
    [("pkl", _pickled), ("joblib", _joblib), ("h5", _h5), ("keras", _keras)],
    ids=["pickle", "joblib", "h5", "keras"],
)
async def test_51_files_that_could_run_something_are_refused(
    state: Worker, tmp_path: Path, suffix: str, make: Callable[[Path], bytes], named: str
) -> None:
    """Under their own names and as one of ours; nothing in them is run or unpacked, and nothing is listed."""
    place, topic = tmp_path / "touched", state.runtime.topics.model_commands
    path = f"producer/model.{suffix if named == 'own' else named}"
    state.runtime.store.put_bytes(path, make(place))
    await state.consume(topic, state.message(topic, b"m", AddModel("c-1", "m", path)))

    assert len(state.dead()) == 1
    assert not list(ScoringState.of(state.runtime).models.keys())
    assert not place.exists()
    await ScoringState.of(state.runtime).close()
