"""The text of a script (contract S-090, S-091): a program that does what a run does, for people to read and to run.

It needs Python alone, and asks the service for the rows and for what the model makes of them. A run does the same
inside of the service, where the script itself is never run (S-101).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.csv_files.number_format import MISSING, NumberFormat
from connectors.datasets.manifests import Dataset
from schemas.scoring_jobs import GenerateScript
from streams.scoring_jobs.inputs import InputsError, ReadInput, inputs_of, kind_of, number_columns

__all__ = ["likely_inputs", "program"]


def likely_inputs(dataset: Dataset, variables: Sequence[Mapping[str, Any]]) -> tuple[ReadInput, ...]:
    """What the model reads of the data set; where columns are missing, those it would read: the run says so."""
    try:
        return inputs_of(variables, dataset.header, number_columns(dataset.heads, dataset.dialect))
    except InputsError:
        return tuple(ReadInput(it["name"], kind_of(it["type"]), (it["name"],), alone=True) for it in variables)


def program(
    command: GenerateScript,
    dataset: Dataset,
    model: Mapping[str, Any],
    inputs: Sequence[ReadInput],
    formats: Mapping[str, NumberFormat],
) -> str:
    """The text; the same for the same command, data set and model.

    `inputs` are `likely_inputs`, `formats` those of columns whose numbers are not written as programs write them.
    """
    packing = dataset.dialect.compression or ""
    return _PROGRAM.format(
        input=command.input_dataset,
        output=command.output_dataset,
        model=model["name"],
        input_text=repr(command.input_dataset),
        output_text=repr(command.output_dataset),
        model_text=repr(model["name"]),
        kind_text=repr(model["model_type"]),
        missing=repr(sorted(MISSING)),
        imports="".join(f"import {name}\n" for name in _imports(packing, formats)),
        reading="\n        ".join(_reading(dataset)),
        number="float(cell)" if not formats else "number(cell, column)",
        numbers=_numbers(formats),
        inputs=_inputs(inputs),
    )


def _imports(packing: str, formats: Mapping[str, NumberFormat]) -> Iterator[str]:
    """What the program needs beside what all do, in the order of the alphabet."""
    if packing == "gzip":
        yield "gzip"
    if formats:
        yield "re"
    if packing == "zip":
        yield "zipfile"


def _reading(dataset: Dataset) -> Iterator[str]:
    """The lines that read the data set as it is written."""
    dialect = dataset.dialect
    packed = "answer"
    if dialect.compression == "gzip":
        packed = "gzip.open(answer)"
    elif dialect.compression == "zip":
        yield "packed = zipfile.ZipFile(io.BytesIO(answer.read()))"
        packed = "packed.open(packed.namelist()[0])"
    encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
    yield f'text = io.TextIOWrapper({packed}, {encoding!r}, newline="")'
    if dataset.kind == "json":
        yield "rows = json.load(text)"
        yield "yield from rows if isinstance(rows, list) else [rows]"
    elif dataset.kind != "csv":
        yield "yield from (json.loads(line) for line in text if line.strip())"
    else:
        if dialect.skipped_lines:
            yield f"for _ in range({dialect.skipped_lines}):  # above the header"
            yield "    text.readline()"
        given = [] if dialect.delimiter == "," else [f"delimiter={dialect.delimiter!r}"]
        if dialect.quote is None:
            given.append("quoting=csv.QUOTE_NONE")
        elif dialect.quote != '"':
            given.append(f"quotechar={dialect.quote!r}")
        lines = "text"
        if encoding.startswith(("utf-16-", "utf-32-")):
            lines = '(line.lstrip("\\ufeff") for line in text)'
        yield f"yield from csv.DictReader({', '.join([lines, *given])})"


def _numbers(formats: Mapping[str, NumberFormat]) -> str:
    """The lines by which numbers are read that Python does not read; none where there are none."""
    if not formats:
        return ""
    lines = [
        f"    {name!r}: ({form.pattern().pattern!r}, {form.between() or '(?!)'!r}, {form.decimal!r}),"
        for name, form in formats.items()
    ]
    return _NUMBERS.format(formats="\n".join(["{", *lines, "}"]))


def _inputs(inputs: Sequence[ReadInput]) -> str:
    lines = [f"    {it.name!r}: ({it.kind!r}, {list(it.columns)!r}, {it.alone!r})," for it in inputs]
    return "\n".join(["{", *lines, "}"])


_NUMBERS: Final = '''\
# Columns whose numbers are not written as Python writes them: what one looks like, what stands between its thousands,
# and what before its decimals.
FORMATS = {formats}


def number(cell, column):
    """The number of a cell, as its column writes them."""
    looks, between, decimal = FORMATS.get(column, (".*", "(?!)", "."))
    if not re.fullmatch(looks, cell.strip(), re.ASCII):
        raise ValueError(f"{{column}}: found {{cell!r}}, expected a number")
    return float(re.sub(between, "", cell.strip()).replace(decimal, ".").replace("\\u2212", "-"))


'''

_PROGRAM: Final = '''\
"""Scores the data set {input} with the model {model} and writes the data set {output}.

Made by Tidecast, whose runs do the same by themselves. To run it elsewhere, let TIDECAST_URL name the service.
"""

import csv
import io
import json
import os
import urllib.error
import urllib.request
import uuid
{imports}
SERVICE = os.environ.get("TIDECAST_URL", "http://127.0.0.1:8080")
INPUT_DATASET = {input_text}
OUTPUT_DATASET = {output_text}
MODEL = {model_text}
MODEL_TYPE = {kind_text}
# What the model reads: of each variable what it takes, from which columns, and whether that is a single value.
INPUTS = {inputs}
NO_NUMBER = {missing}
BATCH = 1000


def ask(path, body=None, kind="application/json"):
    """The service's answer."""
    request = urllib.request.Request(SERVICE + path, body, {{"Content-Type": kind}} if body else {{}})
    return urllib.request.urlopen(request)


def read():
    """The rows of the input, in their order."""
    with ask("/uploads/" + INPUT_DATASET) as answer:
        {reading}


{numbers}def value(cell, kind, column):
    """A cell as the model takes it: texts as they are, numbers as numbers, nothing where the cell is empty."""
    if cell is None or cell == "":
        return None
    if kind == "text":
        return str(cell)
    if kind == "truth":
        return cell if isinstance(cell, bool) else {{"true": True, "1": True, "false": False, "0": False}}[cell.lower()]
    if cell in NO_NUMBER:
        return None
    found = cell if isinstance(cell, (int, float)) else {number}
    return int(found) if kind == "whole" and found == int(found) else found


def record(row):
    """What the model is asked of a row: a value for each of its variables, of a tensor several."""
    asked = {{}}
    for name, (kind, columns, alone) in INPUTS.items():
        values = [value(row.get(column), kind, column) for column in columns]
        asked[name] = values[0] if alone else values
    return asked


def predict(rows):
    """What the model makes of rows: for each, its results by the name of their column."""
    try:
        body = {{"modelName": MODEL, "type": MODEL_TYPE, "data": {{"X": [record(row) for row in rows]}}}}
        with ask("/model-test", json.dumps(body).encode()) as answer:
            return [flat(one) for one in json.load(answer)["data"]["result"]]
    except (ValueError, KeyError, urllib.error.HTTPError) as error:
        if len(rows) > 1:  # one of them is wrong: that one gets an error, the others their results
            return [predict([row])[0] for row in rows]
        told = json.load(error)["message"] if isinstance(error, urllib.error.HTTPError) else str(error)
        return [{{"error": told}}]


def flat(result):
    """A result with a column for each of its values: label, probability_<class>, prediction, cluster, component_<i>."""
    columns = {{}}
    for name, found in result.items():
        if isinstance(found, dict):
            one = {{"probabilities": "probability"}}.get(name, name.removesuffix("s").replace("affinitie", "affinity"))
            columns |= {{f"{{one}}_{{key}}": number for key, number in found.items()}}
        elif isinstance(found, list):
            columns |= {{f"{{name.removesuffix('s')}}_{{place}}": number for place, number in enumerate(found)}}
        elif found is not None:
            columns[name] = found
    return columns


def score():
    """Each row of the input with its results behind it."""
    rows = []
    for row in read():
        rows.append(row)
        if len(rows) == BATCH:
            yield from map(beside, rows, predict(rows))
            rows = []
    if rows:
        yield from map(beside, rows, predict(rows))


def beside(row, made):
    """A row with its results; one that is called as a column of the row is told apart."""
    return {{**row, **{{name + "_scored" if name in row else name: one for name, one in made.items()}}}}


def write(rows):
    """Add the output as a data set."""
    rows = list(rows)
    text = io.StringIO()
    if OUTPUT_DATASET.endswith(".jsonl"):
        text.writelines(json.dumps(row) + "\\n" for row in rows)
    else:
        names = dict.fromkeys(name for row in rows for name in row)
        wrong = names.pop("error", None)
        table = csv.DictWriter(text, [*names, "error"], restval=wrong, lineterminator="\\n")
        table.writeheader()
        table.writerows(rows)
    mark = uuid.uuid4().hex
    parts = []
    for name, content in (("dataSource", "local"), ("fileName", OUTPUT_DATASET)):
        parts.append(f'--{{mark}}\\r\\nContent-Disposition: form-data; name="{{name}}"\\r\\n\\r\\n{{content}}\\r\\n')
    parts.append(f'--{{mark}}\\r\\nContent-Disposition: form-data; name="file"; filename="{{OUTPUT_DATASET}}"\\r\\n')
    parts.append(f"Content-Type: application/octet-stream\\r\\n\\r\\n{{text.getvalue()}}\\r\\n--{{mark}}--\\r\\n")
    ask("/add-dataset", "".join(parts).encode(), f"multipart/form-data; boundary={{mark}}").close()


if __name__ == "__main__":
    write(score())
'''
