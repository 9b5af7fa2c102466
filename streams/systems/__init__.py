"""The systems of this installation: what each brings, by name. Adding one is a module here and its name in `SYSTEMS`.

The declarations are data: what they name is imported by the process that needs it, when it needs it.
"""

from streams.systems.access import ACCESS, QUOTAS
from streams.systems.audit import AUDIT
from streams.systems.dashboard import DASHBOARD
from streams.systems.datasets import DATASETS
from streams.systems.declaration import DeclaredTopic, Keep, System, named
from streams.systems.deployments import DEPLOYMENTS
from streams.systems.forecasting import FORECASTING, SUMS, WHAT_IF
from streams.systems.inference import INFERENCE
from streams.systems.long_training import LONG_TRAINING
from streams.systems.observations import ACCURACY, OBSERVATIONS, SHADOW
from streams.systems.scoring import SCORING
from streams.systems.scoring_jobs import SCORING_JOBS
from streams.systems.tracking import TRACKING
from streams.systems.training import TRAINING
from streams.systems.workloads import WORKLOADS

__all__ = ["SYSTEMS", "DeclaredTopic", "Keep", "System", "named"]

# Others are named where something is missing without them: training needs inference (its models are asked there), and
# DeepAR among forecasting models needs long trainings.
SYSTEMS: tuple[System, ...] = (
    DATASETS,
    FORECASTING,
    OBSERVATIONS,
    ACCURACY,
    SHADOW,
    SUMS,
    WHAT_IF,
    INFERENCE,
    TRAINING,
    LONG_TRAINING,
    WORKLOADS,
    SCORING,
    DEPLOYMENTS,
    SCORING_JOBS,
    TRACKING,
    DASHBOARD,
    ACCESS,
    AUDIT,
    QUOTAS,
)
