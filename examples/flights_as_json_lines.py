"""Prints the daily departures as JSON Lines, the form that DeepAR is trained on: one series per line.

    python examples/flights_as_json_lines.py > departures.jsonl

`start` is the day of the first value, `target` has a value for each day from there on, null where the file has none,
and `cat` the numbers of airport and airline, from 0.
"""

import csv
import json
from datetime import date, timedelta
from pathlib import Path

FILE = Path(__file__).with_name("nyc_flights_2013_daily.csv")


def main() -> None:
    """Group the rows by airport and airline, and put every day in its place."""
    series: dict[tuple[str, str], dict[date, float]] = {}
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            days = series.setdefault((row["Origin"], row["Carrier"]), {})
            days[date.fromisoformat(row["Date"])] = float(row["Flights"])
    origins, carriers = (sorted({pair[place] for pair in series}) for place in (0, 1))
    for (origin, carrier), days in series.items():
        start, end = min(days), max(days)
        line = {
            "item_id": f"{origin} {carrier}",
            "start": f"{start} 00:00:00",
            "target": [days.get(start + timedelta(number)) for number in range((end - start).days + 1)],
            "cat": [origins.index(origin), carriers.index(carrier)],
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
