"""Where TensorFlow is not installed DeepAR says so, alone, together and as a training job; others do not miss it."""

import subprocess
import sys
from typing import Final

from models.deepar.wording import NO_TENSORFLOW

_WITHOUT: Final = """
import sys
sys.modules["tensorflow"] = None  # as if it were not installed
import numpy as np
from agents.deepar.job_calls import TrainingRun
from agents.deepar.process import train
from agents.deepar.together_calls import TogetherRun
from models.batch import SeriesRequest, forecast_batch
from models.deepar.config import DeepARConfig

job = TrainingRun("file:///nowhere", "uploads/a", 1, DeepARConfig("D", 2, 2), "checkpoint")
print(train(job, print).text)
print(train(TogetherRun("file:///nowhere", "splits/a", (0,), {}, 2, (), False, 1), print).text)
target = np.arange(40.0)
asked = [SeriesRequest(target, name, {}, 3, True, ("mse",), step_ms=86_400_000) for name in ("DeepAR", "SES")]
deepar, ses = forecast_batch(asked)
print(deepar.error)
print(len(ses.predictions), ses.error)
"""


def test_without_tensorflow_only_deepar_is_missing() -> None:
    """It is told what to install, on the machine that trains."""
    told = subprocess.run([sys.executable, "-c", _WITHOUT], check=True, capture_output=True, text=True).stdout

    assert told.splitlines() == [NO_TENSORFLOW, NO_TENSORFLOW, NO_TENSORFLOW, "3 None"]
    assert "tidecast[tensorflow]" in NO_TENSORFLOW
