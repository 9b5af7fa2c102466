"""Events about series that have a name, for the tests of the codec."""

from typing import Any, Final

from schemas.forecasting import (
    JobRecord,
    Refresh,
    RefreshJob,
    SeriesConfig,
    Shadow,
    Standing,
    StartShadow,
    StopShadow,
    SubmitJob,
    SwitchShadow,
)
from schemas.observations import Alert, DatasetGrown, Observation
from schemas.series import Asked, Beside, Forecast, Options, SeriesResult, TrainSeries, TrainTogether
from schemas.values import FutureFeature

__all__ = ["NAMED_SERIES"]

_GROUPS: Final = {"Region": "asiasoutheast", "VMSeries": "FS"}
_KEY: Final = "Region=asiasoutheast/VMSeries=FS"

NAMED_SERIES: Final[tuple[Any, ...]] = (
    SeriesResult(
        7,
        8797,
        3,
        1,
        "Auto",
        {},
        (1_600_000_000_000,),
        (237.0,),
        {},
        asked=Asked(
            Beside((2, 4), (FutureFeature("price", (9.5, -8.0)),), "DE-BY"), True, True, Options(3, (0.1, 0.9), 0.0)
        ),
        note="chosen without ARIMA",
    ),
    SeriesResult(7, 8797, 3, 1, "Auto", {}, (), (), {}, asked=Asked(Beside((2,)))),
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
    RefreshJob("c-22", 7, "sales", 12),
    StartShadow("c-25", 7, SeriesConfig(0, "Theta", (), series="all"), "sales"),
    StartShadow("c-26", 7, SeriesConfig(8797, "äöü")),
    SwitchShadow("c-27", 7, 2, "sales"),
    SwitchShadow("c-28", 7),
    StopShadow("c-29", 7, "sales"),
    SubmitJob("c-23", 7, (SeriesConfig(0, "m", (), next_k_prediction=3, series="all", refresh=Refresh("data", 2.5)),)),
    SubmitJob("c-24", 7, (SeriesConfig(0, series="all", refresh=Refresh("never")),)),
    JobRecord(
        7,
        2,
        None,
        1,
        5,
        standing=(
            Standing(8, None, "m", "cron", 10.0, "0 6 * * *", "Europe/Berlin", b"c", 9, (1, 3), "no room"),
            Standing(0, "Region=a", None, "hand", 10.0, "", "", b""),
            Standing(0, "all", "m", "data", 10.0, "", "", b"d", side=1, less=("Region=b", "8797")),
        ),
        settled=400,
        failed=(390, 395),
        seen=12,
        split_seen=3,
        refreshes=5,
        refreshed_at=1_600_000_000_000,
        shadow=Shadow(0, "all", "Theta", 390, 1_600_000_000_000, 2, ended=True),
        switches=3,
    ),
)
