"""Events about series that have a name, for the tests of the codec."""

from typing import Any, Final

from schemas.forecasting import RefreshJob
from schemas.observations import Alert, DatasetGrown, Observation
from schemas.series import Forecast, TrainSeries, TrainTogether

__all__ = ["NAMED_SERIES"]

_GROUPS: Final = {"Region": "asiasoutheast", "VMSeries": "FS"}
_KEY: Final = "Region=asiasoutheast/VMSeries=FS"

NAMED_SERIES: Final[tuple[Any, ...]] = (
    TrainSeries(7, 1, 0, "m", 0, 1, [1.5], item_id="('asiasoutheast', 'FS')", data_id=2, group_keys=tuple(_GROUPS)),
    TrainTogether(7, "splits/7/c-4.npz", 8797, "DeepAR", data_id=2),
    Forecast(7, 8797, 3, "()", "LinearFit", 5, (6, 7), (1.5, -2.0)),
    Forecast(7, 1, 3, "('asiasoutheast', 'FS')", "m", 0, (1,), (1.5,), groups=_GROUPS, series_key=_KEY, data_id=2),
    Observation(2, "2020-08-13", {"cores": 1.5, "note": "äöü", "load": None}, _GROUPS, "c-20", "sales"),
    Observation(2, "2020-08-13", {"cores": -1.0}),
    DatasetGrown(2, 9, (3, 7), (1_600_000_000_000, 1_600_000_000_500), "sales"),
    DatasetGrown(2, 3, (3,), (5,)),
    Alert("a-1", "missing_data", 7, 2, 8797, _KEY, 5, 6, "äöü", step=4, project="sales"),
    Alert("a-2", "outside_interval", 7, 2, 1, "all", 5, 6, "m", "SES", 3, 2, 1.5, -2.0, 0.5, 1.0),
    RefreshJob("c-21", 7, "sales"),
    RefreshJob("c-21", 7),
)
