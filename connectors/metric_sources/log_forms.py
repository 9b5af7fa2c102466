"""What the lines of well-known trainers look like: one parser for each form, from a line to steps and numbers.

A parser is a function of a line; None where the line is not of its form. What lines say together is `log_lines`'.
"""

import ast
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["PARSERS", "LineForm", "dictionary", "key_values", "number_of", "progress_bar"]

Pairs = list[tuple[str, float | None]]


@dataclass(frozen=True, slots=True)
class LineForm:
    """What one line says: its numbers, and of the step as much as is written there."""

    pairs: Pairs = field(default_factory=list)
    step: int | None = None
    """Of the whole training."""
    epoch: int | None = None
    place: tuple[int, int] | None = None
    """How far within the epoch: n of m."""
    whole_epoch: bool = False
    """The numbers are those of an epoch, which trainers print more than once."""
    counted: bool = False
    """A line of a form that is printed once for each report, and has no step of its own."""
    evaluated: bool = False
    """Such a line that belongs to the step before it."""
    told: bool = True
    """Whether the form alone shows that these are metrics."""


# Patterns look at each character a bounded number of times: repeats have bounds, or can end in one way only.
_NUMBER: Final = (
    r"(?:[-+]?[1-9]\d{0,2}(?:,\d{3}){1,10}(?:\.\d{0,40})?"  # 1,234.5
    r"|[-+]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,4})?"
    r"|[-+]?(?:nan|NaN|NAN|inf|Inf|INF|infinity|Infinity))"
)
_PLAIN: Final = re.compile(_NUMBER)
_WHOLE: Final = r"\d{1,3}(?:,\d{3}){1,4}|\d{1,15}"
_NAME: Final = r"[^\W\d][\w./@-]{0,200}"
# What a program's own numbers look like when they are printed: tensor(0.5, device='cuda:0'), np.float64(0.5).
_WRAPPER: Final = r"(?:np\.|numpy\.|torch\.)?(?:tensor|array|float\d\d|int\d\d)\("
_ENDS: Final = r"(?=[\s;)\]|%]|,(?!\d)|$|m?s\b)"  # behind a number; 0,5 is none, rather than a 0
_STEP_NAMES: Final = (
    "global_step",
    "global step",
    "num_updates",
    "step",
    "steps",
    "iteration",
    "iter",
    "it",
    "iters",
    "iterations",
)
_EPOCH_NAMES: Final = ("epoch", "epochs")
_NO_METRICS: Final = {*_STEP_NAMES, *_EPOCH_NAMES, "eta"}
_TIMES: Final = {"_timestamp", "timestamp", "time", "ts", "_runtime", "wall_time"}
_FORMS_OF_JSON: Final = 16  # levels of a JSON object


def number_of(text: str) -> tuple[bool, float | None]:
    """Whether the text is a number, and which; None for one that is not finite."""
    text = text.strip()
    if not _PLAIN.fullmatch(text):
        return False, None
    value = float(text.replace(",", ""))
    return True, value if math.isfinite(value) else None


_KERAS: Final = re.compile(r"\s*(\d{1,15})/(\d{1,15})\s*(?:\[[=>.\s]*\]|[━─╸╺]+)?\s*(?:-\s*)?(?:ETA:\s*)?\d")
_KERAS_PAIR: Final = re.compile(rf" - ({_NAME}): ({_NUMBER})(?=\s|$)")
_KERAS_EPOCH: Final = re.compile(r"\s*Epoch (\d{1,15})/\d{1,15}\s*")
_KERAS_NOTE: Final = re.compile(rf"\s*Epoch \d{{1,15}}: {_NAME} (?:improved|did not improve)")


def keras(line: str) -> LineForm | None:
    """`Epoch 3/10`, then `100/100 ━━━━ 1s 5ms/step - loss: 0.5 - val_loss: 0.6`; Keras 2 and 3, verbose 1 and 2."""
    epoch = _KERAS_EPOCH.fullmatch(line)
    if epoch is not None:
        return LineForm(epoch=int(epoch[1]))
    if _KERAS_NOTE.match(line):
        return LineForm()
    bar = _KERAS.match(line)
    if bar is None or " - " not in line:
        return None
    pairs = [(name, number_of(text)[1]) for name, text in _KERAS_PAIR.findall(line) if name != "ETA"]
    if not pairs:
        return None
    if bar[1] != bar[2]:  # means of a part of the epoch
        return LineForm()
    return LineForm(pairs, whole_epoch=True)


_BAR: Final = re.compile(
    r"(?P<text>[^|]{0,200}?)\s*\d{1,3}%\|[^|]*\|\s*(?P<at>\d{1,15})/(?P<of>\d{1,15})\s*\[(?P<rest>[^\]]*)\]?(?P<behind>.*)"
)
_EPOCH_OF_BAR: Final = re.compile(r"epoch\D{0,3}(\d{1,15})", re.IGNORECASE)
_POSTFIX: Final = re.compile(rf"(?<![\w./@=-])({_NAME})\s*[=:]\s*(?:{_WRAPPER})?({_NUMBER}){_ENDS}")


def progress_bar(line: str) -> LineForm | None:
    """`Epoch 0: 100%|████| 100/100 [00:01<00:00, 90.1it/s, v_num=0, train_loss=0.5]`: Lightning, and tqdm elsewhere."""
    bar = _BAR.match(line) if "%|" in line else None
    if bar is None:
        return None
    said = f"{bar['text'].rstrip(': ')} {bar['rest'].partition(',')[2]} {bar['behind']}"
    pairs = [
        (name, number_of(text)[1])
        for name, text in _POSTFIX.findall(said)
        if name != "v_num" and name.lower() not in _NO_METRICS
    ]
    at, of = int(bar["at"]), int(bar["of"])
    epoch = _EPOCH_OF_BAR.search(bar["text"])
    if epoch is None:
        return LineForm(pairs, step=at)
    if at != of or "alidat" in bar["text"]:
        return LineForm(epoch=int(epoch[1]))
    return LineForm(pairs, epoch=int(epoch[1]), whole_epoch=True)


_MEGATRON: Final = re.compile(
    r"\s*(?:\[[^\]]{0,40}\]\s*)?(?:iteration\s+(\d{1,15})\s*/\s*\d{1,15}\s*"
    r"|validation loss at iteration (\d{1,15})[^|]{0,60})\|"
)
_MEGATRON_PAIR: Final = re.compile(rf"\s*([A-Za-z][^:|]{{0,100}}?)\s*:\s*({_NUMBER})\s*(?:%?)\s*")


def megatron(line: str) -> LineForm | None:
    """` iteration 100/ 5000 | consumed samples: 25600 | lm loss: 7.2E+00 | grad norm: 1.2 |`."""
    found = _MEGATRON.match(line)
    if found is None:
        return None
    cells = (_MEGATRON_PAIR.fullmatch(cell) for cell in line[found.end() :].split("|"))
    return LineForm(
        [(cell[1], number_of(cell[2])[1]) for cell in cells if cell is not None], step=int(found[1] or found[2])
    )


_BOOSTED: Final = re.compile(r"(?:\[\d\d:\d\d:\d\d\])?\s*\[(\d{1,15})\]\s+(?=\S)")
_LIGHTGBM: Final = re.compile(rf"\s*([^\t:]{{1,100}})'s ([^\t:]{{1,100}}): ({_NUMBER})(?: \+ {_NUMBER})?\s*")
_XGBOOST: Final = re.compile(rf"\s*([^\s:][^\t:]{{0,200}}):({_NUMBER})(?:\+{_NUMBER})?\s*")
_CATBOOST: Final = re.compile(r"(\d{1,15}):\t+(?=learn: |test: )")
_CATBOOST_PAIR: Final = re.compile(rf"\b(learn|test\d{{0,3}}): ({_NUMBER})(?=\s|$)")


def boosted_trees(line: str) -> LineForm | None:
    """`[10] train's l2: 0.5 valid's l2: 0.6` of LightGBM, `[10] train-rmse:0.5` of XGBoost, with tabs between them.

    And `10: learn: 0.5 test: 0.6` of CatBoost.
    """
    cat = _CATBOOST.match(line)
    if cat is not None:
        return LineForm([(name, number_of(text)[1]) for name, text in _CATBOOST_PAIR.findall(line)], step=int(cat[1]))
    found = _BOOSTED.match(line)
    if found is None:
        return None
    pairs: Pairs = []
    for cell in re.split(r"\t+|\s{2,}", line[found.end() :].strip()):
        if (light := _LIGHTGBM.fullmatch(cell)) is not None:
            pairs.append((f"{light[1]}/{light[2]}", number_of(light[3])[1]))
        elif (extreme := _XGBOOST.fullmatch(cell)) is not None:
            pairs.append((extreme[1], number_of(extreme[2])[1]))
        else:
            return None
    return LineForm(pairs, step=int(found[1]))


def dictionary(line: str) -> LineForm | None:
    """`{'loss': 0.5, 'learning_rate': 1e-05, 'epoch': 1.0}` of Hugging Face, and lines of JSON."""
    text = line.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return None
    content = _read(text)
    if not isinstance(content, dict):
        return None
    pairs: Pairs = []
    steps: dict[str, float] = {}
    for name, value in _flat(content, "", _FORMS_OF_JSON):
        lowered = name.lower()
        if value is not None and (lowered in _STEP_NAMES or lowered in _EPOCH_NAMES or lowered == "_step"):
            steps[lowered.removeprefix("_")] = value
        elif lowered not in _TIMES:
            pairs.append((name, value))
    step = next((steps[name] for name in _STEP_NAMES if name in steps), None)
    epoch = next((steps[name] for name in _EPOCH_NAMES if name in steps), None)
    if step is not None:
        return LineForm(pairs, step=int(step))
    if epoch is not None and "'" not in text:  # JSON; Hugging Face's epochs are fractions, several lines in one
        return LineForm(pairs, epoch=int(epoch)) if epoch.is_integer() else LineForm(pairs, counted=True)
    evaluated = any(name.startswith(("eval_", "test_", "train_")) for name, _ in pairs)
    return LineForm(pairs, counted=True, evaluated=evaluated, told=epoch is not None)


_WRAPPED: Final = re.compile(rf"\b{_WRAPPER}([-+\w.]{{1,60}})(?:,[^()]{{0,200}})?\)")


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(re.sub(r":\s*(nan|inf|-inf)(?=[,}])", r": '\1'", _WRAPPED.sub(r"\1", text)))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _flat(content: Mapping[Any, Any], prefix: str, deepest: int) -> Iterator[tuple[str, float | None]]:
    """The numbers of a dictionary; those of one inside it as `a.b`. Newer trainers write them as texts."""
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            yield name, number if math.isfinite(number) else None
        elif isinstance(value, str):
            is_number, number_or_none = number_of(value)
            if is_number:
                yield name, number_or_none
        elif isinstance(value, dict) and deepest:
            yield from _flat(value, f"{name}.", deepest - 1)


_STEP: Final = re.compile(
    r"(?<![\w.-])(?<!\D/)(global[_ ]?steps?|steps?|iterations?|iters?|it|epochs?)\b(?:\(\w{1,20}\))?"
    rf"\s*[:=#]?\s*\[?\s*({_WHOLE})(?!\d|\.\d|,\d{{3}}|\s?%)"
    rf"(?:\s*/\s*({_WHOLE}))?(\])?(?:\s*[,;]?\s*\[\s*(\d{{1,15}})\s*/\s*(\d{{1,15}}))?",
    re.IGNORECASE,
)
_PAIR: Final = re.compile(
    rf"(?<![\w/.@=-])(?!None |null )({_NAME}(?: (?:loss|acc|accuracy|lr|rate|norm|error|score))?)"
    rf"\s*[=:]\s*(?:{_WRAPPER})?\[?\s*({_NUMBER}){_ENDS}"
)
_SPACED: Final = (
    re.compile(  # of a line that says its step: `iter 10: loss 3.2425`, `step 0: train loss 4.2, val loss 4.3`
        r"(?<![\w/.@=:-])((?:(?:train|val|valid|validation|test|eval|lm|best) )?"
        r"[\w/]{0,40}(?:loss|acc|accuracy|ppl|perplexity|lr|norm|auc|f1|mse|mae|rmse|reward|score))"
        rf"\s+({_NUMBER}){_ENDS}"
    )
)
_AVERAGED: Final = re.compile(rf"(?<![\w/.@-])({_NAME})\s+({_NUMBER})\s*\(\s*(?:{_NUMBER})\)")


def key_values(line: str) -> LineForm | None:
    """`step 100: loss=0.5 acc: 0.9`, `Epoch [2/10], Step [300/600], Loss: 0.1`: pairs, and what is called a step."""
    if "Namespace(" in line or "Arguments(" in line:  # how a training was called
        return None
    step, epoch, place = _steps_of(line)
    pairs: Pairs = []
    spaced = [] if step is None and epoch is None and place is None else _SPACED.findall(line)
    for name, text in _PAIR.findall(line) + _AVERAGED.findall(line) + spaced:
        if name.lower() not in _NO_METRICS and name not in [known for known, _ in pairs]:
            pairs.append((name, number_of(text)[1]))
    if step is None and epoch is None:
        return LineForm(pairs, told=False) if pairs else None
    return LineForm(pairs, step=step, epoch=epoch, place=place)


def _steps_of(line: str) -> tuple[int | None, int | None, tuple[int, int] | None]:
    """The step, the epoch, and how far within the epoch a line says it is."""
    step = epoch = None
    place = None
    for found in _STEP.finditer(line):
        name, number = found[1].lower(), int(found[2].replace(",", ""))
        if name.startswith("epoch"):
            epoch = number if epoch is None else epoch
            if found[5]:
                place = int(found[5]), int(found[6])
        elif name.startswith("global") or step is None:
            step = number
            if found[3] and found[4]:  # in brackets it begins anew with each epoch
                place = number, int(found[3].replace(",", ""))
    return None if place is not None and epoch is not None else step, epoch, place


PARSERS: Final = (dictionary, megatron, boosted_trees, progress_bar, keras, key_values)
"""In this order: the first whose form a line has."""
