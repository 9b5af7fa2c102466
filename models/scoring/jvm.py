"""Java in this process, and whole batches of records through a PMML model in one call of it.

Each call from Python into Java costs about a microsecond, and each value that comes back five. So the records go over
as one array of numbers, Java runs through them by a function that is put together of method handles (no class of ours
has to be compiled), and each output comes back as one array or one text.
"""

import importlib
import importlib.util
import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.scoring.info import Array, BadModelError

__all__ = ["JavaModel", "JavaUnavailableError"]

_OPTIONS: Final = (
    "-Xms16m",  # else a 64th of the machine's memory, which counts as taken
    "-Xss4m",  # trees of a thousand levels are walked by recursion
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Xrs",  # signals are ours
    "--enable-native-access=ALL-UNNAMED",
    f"-XX:ErrorFile={Path(tempfile.gettempdir()) / 'tidecast-java-%p.log'}",  # else where the service was started
)
_MIB: Final = 1024**2
_LEAST_HEAP, _MOST_HEAP = 32, 768  # MiB
_BESIDE_HEAP: Final = 240  # MiB of what a process may take: Python, the engine's classes, compiled code, threads
_NOTHING: Final = "\x00"  # stands for a text that is missing
_BETWEEN: Final = "\x01"
_NO_WHOLE: Final = -(2.0**63)
_MAY_BE_MISSING: Final = ("string", "float", "double", "real")
"""Types whose values may be missing in an array; others are then the least whole number, or false, without a word."""
_FEW: Final = 8  # records: so many are quicker one by one than by building what runs through them


class JavaUnavailableError(RuntimeError):
    """There is no Java that PMML models can be computed with; the text says what to do."""


def _java(launcher: str | None) -> Any:
    """The bridge, with Java running."""
    jpype: Any = importlib.import_module("jpype")
    if not jpype.isJVMStarted():
        found = importlib.util.find_spec("pypmml")
        if found is None or not found.submodule_search_locations:
            raise JavaUnavailableError("the package pypmml is not installed")
        jars = str(Path(found.submodule_search_locations[0]) / "jars" / "*")
        try:
            jpype.startJVM(*_OPTIONS, _heap(), jvmpath=_library(jpype, launcher), classpath=jars, convertStrings=False)
        except Exception as error:  # whatever the system's loader says
            raise JavaUnavailableError(f"Java cannot be started for PMML models: {error}") from error
    return jpype


def _heap() -> str:
    """The most of Java's memory: within this process's limit Java says what it lacks, beyond it the process ends."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    room = _MOST_HEAP if limit == resource.RLIM_INFINITY else limit // _MIB - _BESIDE_HEAP
    return f"-Xmx{min(max(room, _LEAST_HEAP), _MOST_HEAP)}m"


def _library(jpype: Any, launcher: str | None) -> str:
    if launcher is not None:
        home = Path(launcher).resolve().parent.parent
        for name in ("lib/server/libjvm.so", "lib/server/libjvm.dylib", "lib/client/libjvm.so", "bin/server/jvm.dll"):
            if (home / name).exists():
                return str(home / name)
    return str(jpype.getDefaultJVMPath())


class JavaModel:
    """A model of PMML4S, the engine of pypmml."""

    def __init__(self, content: bytes, launcher: str | None, *, has_target: bool) -> None:
        """Load it; BadModelError where the engine cannot. `launcher` is a Java launcher; None: the machine's own."""
        self._jpype = _java(launcher)
        self._class = self._jpype.JClass("org.pmml4s.model.Model")
        try:
            self._model = self._class.fromString(content.decode())
            if has_target:  # without one the engine fails on it
                self._model.setSupplementOutput(True)
            self.inputs = [str(name) for name in self._model.inputNames()]
            self.outputs = [_Output(field) for field in self._model.outputFields()]
            self._known_only = [str(field.dataType()) not in _MAY_BE_MISSING for field in self._model.inputFields()]
        except self._jpype.JException as error:
            raise BadModelError(f"PMML: the model cannot be loaded: {_words(error)}") from error
        self._by_numbers, self._by_objects = self._functions()

    def predict(self, columns: Sequence[Array]) -> list[Array]:
        """An array for each output; `columns` are in the order of `inputs`. BadModelError where the engine fails."""
        try:
            lacking = self._lacking(columns)
            if not lacking.any():
                return self._complete(columns)
            some = self._by_names([column[lacking] for column in columns])
            others = [] if lacking.all() else self._complete([column[~lacking] for column in columns])
        except self._jpype.JException as error:
            raise BadModelError(f"the model fails on this: {_words(error)}") from error
        made = []
        for place, one in enumerate(some):
            values = np.empty(len(lacking), dtype=one.dtype)
            values[lacking] = one
            if others:
                values[~lacking] = others[place]
            made.append(values)
        return made

    def _lacking(self, columns: Sequence[Array]) -> Array:
        """Which records lack a value that an array cannot be without."""
        lacking = np.zeros(len(columns[0]) if columns else 0, dtype=bool)
        for column, known_only in zip(columns, self._known_only, strict=True):
            if known_only:
                lacking |= (
                    np.isnan(column)
                    if column.dtype.kind == "f"
                    else np.array([_given(value) is None for value in column.tolist()])
                )
        return lacking

    def _by_names(self, columns: Sequence[Array]) -> list[Array]:
        """Records as maps without what is missing: slower, and right for every type."""
        rows = []
        for record in zip(*(column.tolist() for column in columns), strict=True):
            given = self._jpype.JClass("java.util.HashMap")()
            for name, value in zip(self.inputs, record, strict=True):
                if _given(value) is not None:
                    given.put(name, value)
            answer = self._model.predict(given)
            rows.append([answer.get(output.name) for output in self.outputs])
        return [_known(self._collected(rows, place, one), one) for place, one in enumerate(self.outputs)]

    def _complete(self, columns: Sequence[Array]) -> list[Array]:
        jpype = self._jpype
        if columns and len(columns[0]) <= _FEW:
            return self._one_by_one(columns)
        if all(column.dtype.kind == "f" for column in columns) and columns:
            given: Any = jpype.JArray(jpype.JDouble, 2)(np.ascontiguousarray(np.stack(columns, axis=1), np.float64))
            rows = self._arrays.stream(given).map(self._by_numbers).toArray()
        else:
            made = [
                [_given(value) for value in record] for record in zip(*(one.tolist() for one in columns), strict=True)
            ]
            rows = self._arrays.stream(jpype.JArray(jpype.JObject, 2)(made)).map(self._by_objects).toArray()
        return [_known(self._output(rows, place, one), one) for place, one in enumerate(self.outputs)]

    def _one_by_one(self, columns: Sequence[Array]) -> list[Array]:
        objects = self._jpype.JArray(self._jpype.JObject)
        records = zip(*(column.tolist() for column in columns), strict=True)
        rows = [self._model.predict(objects([_given(value) for value in record])) for record in records]
        return [_known(self._collected(rows, place, one), one) for place, one in enumerate(self.outputs)]

    @staticmethod
    def _collected(rows: Any, place: int, output: "_Output") -> Array:
        """One output of all records, value by value."""
        if output.is_number:
            return np.array([_number(row[place]) for row in rows], dtype=np.float64)
        return np.array([*(None if row[place] is None else str(row[place]) for row in rows), None], dtype=object)[:-1]

    def _output(self, rows: Any, place: int, output: "_Output") -> Array:
        if output.is_number:
            try:
                return np.array(self._arrays.stream(rows).mapToDouble(output.function).toArray())
            except self._jpype.JException:  # something else than a number, or nothing
                return self._collected(rows, place, output)
        joined = str(self._arrays.stream(rows).map(output.function).collect(self._joining))
        texts: Array = np.array(joined.split(_BETWEEN), dtype=object)
        if len(texts) != len(rows):
            return self._collected(rows, place, output)
        texts[texts == _NOTHING] = None
        return texts

    def _functions(self) -> tuple[Any, Any]:
        """What Java does with each record, of numbers or of objects; an output gets what takes it out of an answer."""
        j = self._jpype.JClass
        handles, types = j("java.lang.invoke.MethodHandles"), j("java.lang.invoke.MethodType")
        proxies, thing = j("java.lang.invoke.MethodHandleProxies"), j("java.lang.Object").class_
        things, doubles = (j("java.lang.Class").forName(name) for name in ("[Ljava.lang.Object;", "[D"))
        function = j("java.util.function.Function").class_
        stream, streams = j("java.util.stream.DoubleStream").class_, j("java.util.stream.Stream").class_
        self._arrays = j("java.util.Arrays")
        self._joining = j("java.util.stream.Collectors").joining(_BETWEEN)
        lookup, one_to_one = handles.publicLookup(), types.methodType(thing, thing)
        model = lookup.findVirtual(self._class.class_, "predict", types.methodType(things, thing)).bindTo(self._model)
        boxed = lookup.findStatic(self._arrays.class_, "stream", types.methodType(stream, doubles))
        boxed = handles.filterReturnValue(boxed, lookup.findVirtual(stream, "boxed", types.methodType(streams)))
        boxed = handles.filterReturnValue(boxed, lookup.findVirtual(streams, "toArray", types.methodType(things)))
        by_numbers = handles.filterReturnValue(boxed.asType(types.methodType(thing, doubles)), model)
        for place, output in enumerate(self.outputs):
            output.function = self._taking(place, number=output.is_number)
        return (
            proxies.asInterfaceInstance(function, by_numbers.asType(one_to_one)),
            proxies.asInterfaceInstance(function, model.asType(one_to_one)),
        )

    def _taking(self, place: int, *, number: bool) -> Any:
        """What takes one output out of an answer: as a number, else as a text."""
        j, objects = self._jpype.JClass, self._jpype.JArray(self._jpype.JObject)
        handles, types = j("java.lang.invoke.MethodHandles"), j("java.lang.invoke.MethodType")
        proxies, thing, lookup = (
            j("java.lang.invoke.MethodHandleProxies"),
            j("java.lang.Object").class_,
            handles.publicLookup(),
        )
        items = j("java.lang.Class").forName("[Ljava.lang.Object;")
        item = handles.insertArguments(
            handles.arrayElementGetter(items), 1, objects([j("java.lang.Integer").valueOf(place)])
        )
        if number:
            real = j("java.lang.Double").TYPE
            made = lookup.findVirtual(j("java.lang.Number").class_, "doubleValue", types.methodType(real))
            taken = handles.filterReturnValue(item, made.asType(types.methodType(real, thing)))
            wanted = j("java.util.function.ToDoubleFunction").class_
            return proxies.asInterfaceInstance(wanted, taken.asType(types.methodType(real, thing)))
        text = j("java.lang.String").class_
        made = lookup.findStatic(j("java.util.Objects").class_, "toString", types.methodType(text, thing, text))
        made = handles.insertArguments(made, 1, objects([j("java.lang.String")(_NOTHING)]))
        taken = handles.filterReturnValue(item, made)
        wanted = j("java.util.function.Function").class_
        return proxies.asInterfaceInstance(wanted, taken.asType(types.methodType(thing, thing)))


class _Output:
    """An output of the model: what it tells (`feature`), of which class or cluster (`value`)."""

    def __init__(self, field: Any) -> None:
        value = field.value()
        self.name = str(field.name())
        self.feature = str(field.feature())
        self.value: str | None = str(value.get()) if value.isDefined() else None
        self.type = str(field.dataType())
        self.function: Any = None
        self.is_number = self.type in ("integer", "float", "double", "real", "numeric")


def _known(values: Array, output: _Output) -> Array:
    """Missing where the engine has no whole number: it says so by the least that there is."""
    if output.type == "integer" and output.is_number:
        values[values == _NO_WHOLE] = np.nan
    return values


def _given(value: Any) -> Any:
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN is a missing value


def _number(value: Any) -> float:
    try:
        return float("nan") if value is None else float(value)
    except (TypeError, ValueError):
        return float("nan")


def _words(error: Any) -> str:
    """What Java says, without the names of its classes before it."""
    text = str(error).strip().partition("\n")[0]
    return text.rpartition("Exception: ")[2][:300] or text[:300]
