"""Lines of trainers' logs: known answers for each form, and what no line may do."""

# ruff: noqa: E501, ISC004  # lines of logs are as long as they are

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.metric_sources.log_lines import LogMetrics
from connectors.metric_sources.user_patterns import BadPatternError

KERAS_3 = """\
Epoch 1/2
\x1b[1m 50/100\x1b[0m \x1b[32m━━━━━━━━━━\x1b[0m\x1b[37m━━━━━━━━━━\x1b[0m \x1b[1m0s\x1b[0m 5ms/step - accuracy: 0.1 - loss: 0.7
\x1b[1m100/100\x1b[0m ━━━━━━━━━━━━━━━━━━━━ 1s 5ms/step - accuracy: 0.50 - loss: 0.5
\x1b[1m100/100\x1b[0m ━━━━━━━━━━━━━━━━━━━━ 1s 6ms/step - accuracy: 0.50 - loss: 0.5 - val_loss: 0.6
Epoch 2/2
100/100 ━━━━━━━━━━━━━━━━━━━━ 1s 6ms/step - accuracy: 0.9 - loss: nan - val_loss: 3e-1 - learning_rate: 1.0000e-03"""
KERAS_2 = """\
Epoch 1/2
 50/100 [===========>..................] - ETA: 0s - loss: 0.7
100/100 [==============================] - 1s 5ms/step - loss: 0.5 - val_loss: 0.6
Epoch 1: val_loss improved from inf to 0.60000, saving model to best.h5
Epoch 2/2
100/100 - 1s - loss: 0.25 - val_loss: 0.5 - 1s/epoch - 5ms/step"""
LIGHTNING = """\
Sanity Checking DataLoader 0: 100%|██████████| 2/2 [00:00<00:00, 90.5it/s]
Epoch 0:  10%|█         | 10/100 [00:00<00:01, 90.5it/s, v_num=0, train_loss=0.9]
Epoch 0: 100%|██████████| 100/100 [00:01<00:00, 90.5it/s, v_num=0, train_loss=0.5]
Epoch 0: 100%|██████████| 100/100 [00:01<00:00, 90.5it/s, v_num=0, train_loss=0.5, val_loss=0.4]
Epoch 1: 100%|██████████| 100/100 [00:01<00:00, 90.5it/s, loss=0.2, v_num=0, val_loss=0.1]"""
HUGGING_FACE = """\
{'loss': 0.5, 'grad_norm': 1.25, 'learning_rate': 1e-05, 'epoch': 0.5}
{'loss': '0.25', 'learning_rate': '5e-06', 'epoch': '1.0'}
{'eval_loss': 0.75, 'epoch': 1.0}
{'loss': nan, 'epoch': 1.5}
{'train_runtime': 12.5, 'train_loss': 0.375, 'epoch': 2.0}"""
HUGGING_FACE_WITH_BAR = """\
 10%|█         | 50/500 [00:01<00:10, 45.1it/s]
{'loss': 0.5, 'epoch': 0.5}
 20%|██        | 100/500 [00:02<00:09, 45.1it/s]
{'loss': 0.25, 'epoch': 1.0}"""
LIGHTGBM = """\
[LightGBM] [Info] Total Bins 255
[10]\ttraining's l2: 0.5\tvalid_0's l2: 0.6
[20]\tcv_agg's valid auc: 0.91 + 0.01
Early stopping, best iteration is:
[20]\tvalid_0's l2: 0.55"""
XGBOOST = """\
[0]\ttrain-rmse:0.50000\tvalidation_0-logloss:0.69
[1]\ttrain-rmse:0.25+0.1\ttest-rmse:0.6+0.2
[12:00:00] [2]\ttrain-rmse:0.125"""
MEGATRON = """\
 iteration      100/  500000 | consumed samples:        25600 | learning rate: 1.500E-04 | lm loss: 7.25E+00 | grad norm: 1.5 |
 [2024-05-01 10:00:00] iteration      200/  500000 | lm loss: 7.0E+00 | loss scale: nan |"""
DEEPSPEED = """\
steps: 10 loss: 6.5 iter time (s): 0.5 samples/sec: 20.5
[2023-01-01 00:00:00,123] [INFO] [logging.py:96:log_dist] [Rank 0] step=20, skipped=0, lr=[1e-05], mom=[(0.9, 0.999)]"""
PAIRS = """\
step 100: loss=0.5 acc=0.9
epoch 3 loss: 0.1 val_loss: 0.2
iteration=5, train/loss=0.1
iter 10/100 loss=nan lr: 1e-3
global_step=7 step=1 loss=2
2024-01-01 12:00:00,123 INFO Epoch: 4, train loss: 0.25, acc: 91.5%
   val loss: 0.5
saved 3 files, size: 123, port: 8080"""
EPOCHS_OF_STEPS = """\
Epoch [2/10], Step [300/600], Loss: 0.1
Train Epoch: 5 [640/60000 (1%)]\tLoss: 2.5"""
IMAGENET = "Epoch: [1][ 10/5005]\tTime 0.5 (0.6)\tLoss 6.5 (7.0)\tAcc@1 0.25 (0.2)"
THOUSANDS = """\
step 1,000: loss=1,234.5 acc: 0.9, tokens: 1,234,567
iter 2,500/10,000 loss 0.5
step 7: loss=0,53 pair=1,2"""
SPACED = """\
step 0: train loss 4.25, val loss 4.5
iter 10: loss 3.25, time 389.93ms, mfu 3.45%
step    11/19560 | loss 10.95 (+nanz)| norm 15.3 (+nanz)| lr 8.5e-07 | 430.1 ms | 47.2% bf16 MFU
Epoch 00010: reducing learning rate of group 0 to 1.0000e-04.
Namespace(lr=0.1, epochs=10)"""
PRINTED = """\
step 7: loss=tensor(0.5, device='cuda:0', grad_fn=<NllLossBackward0>) acc=0.9
step 8 loss: np.float64(0.25)
{'loss': tensor(0.125, device='cuda:0'), 'step': 9}
step 10: loss=None acc=0.5"""
RANKS = """\
[default7]: iteration      100/   5000 | lm loss: 7.25E+00 |
7:  iteration      100/   5000 | lm loss: 7.5E+00 |
[rank0]: step 3 loss 0.5
[1,0]<stdout>: {"step": 4, "loss": 0.25}
(RayTrainWorker pid=123, ip=10.0.0.1) step: 5, loss: 0.75"""
BARS = """\
 10%|█         | 50/500 [00:10<01:30,  5.00it/s]{'loss': 0.5, 'lr': 4e-05, 'epoch': 1.0}
2024-01-01 12:00:00 INFO {"step": 60, "loss": 0.25}
loss: 0.75: 100%|██████████| 10/10 [00:01<00:00,  9.8it/s]
100%|██████████| 1000/1000 [00:11<00:00, 90.1it/s, loss=0.5]"""
SEVERAL = """\
epoch 1 loss 0.9 epoch 2 loss 0.8 epoch 3 loss 0.7
Epoch 4: loss=0.5; best epoch 2: loss=0.8
step 10: loss=0.5, next evaluation at step 20
val loss: 0.3"""
MEGATRON_VALIDATION = """\
 iteration     1000/   5000 | lm loss: 7.0E+00 |
 validation loss at iteration 1000 on validation set | lm loss value: 2.5E+00 | lm loss PPL: 1.2E+01 |"""
DEEPSPEED_TIMER = (
    "[2024-01-01 12:00:00,123] [INFO] [timer.py:215:stop] epoch=0/micro_step=120/global_step=30, "
    "RunningAvgSamplesPerSec=12.5, CurrSamplesPerSec=12.25, MemAllocated=1.2GB"
)
CATBOOST = "0:\tlearn: 0.75\ttest: 0.5\tbest: 0.5 (0)\ttotal: 10ms\n10:\tlearn: 0.5\ttest: nan\ttotal: 1s"
MMENGINE = """\
01/01 12:00:00 - mmengine - INFO - Epoch(train)  [1][  50/7330]  lr: 2.5e-01  eta: 1:02:03  loss: 1.25
Iter(train) [  100/90000]  loss: 2.5"""
JSON_LINES = """\
{"step": 3, "loss": 0.5, "nested": {"a": 1}, "time": 12.5, "ok": true, "note": "x"}
{"epoch": 2, "loss": NaN}
{"iteration": 4, "loss": 1}
{"level": "info", "port": 8080}
{"loss": 0.25}"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (KERAS_3, "accuracy=0.5@1 loss=0.5@1 val_loss=0.6@1 accuracy=0.9@2 loss=None@2 val_loss=0.3@2 learning_rate=0.001@2"),
        (KERAS_2, "loss=0.5@1 val_loss=0.6@1 loss=0.25@2 val_loss=0.5@2"),
        (LIGHTNING, "train_loss=0.5@0 val_loss=0.4@0 loss=0.2@1 val_loss=0.1@1"),
        (HUGGING_FACE, "loss=0.5@1 grad_norm=1.25@1 learning_rate=1e-05@1 loss=0.25@2 learning_rate=5e-06@2 eval_loss=0.75@2 "
                       "loss=None@3 train_runtime=12.5@3 train_loss=0.375@3"),
        (HUGGING_FACE_WITH_BAR, "loss=0.5@50 loss=0.25@100"),
        (LIGHTGBM, "training/l2=0.5@10 valid_0/l2=0.6@10 cv_agg/valid auc=0.91@20 valid_0/l2=0.55@20"),
        (XGBOOST, "train-rmse=0.5@0 validation_0-logloss=0.69@0 train-rmse=0.25@1 test-rmse=0.6@1 train-rmse=0.125@2"),
        (MEGATRON, "consumed samples=25600.0@100 learning rate=0.00015@100 lm loss=7.25@100 grad norm=1.5@100 "
                   "lm loss=7.0@200 loss scale=None@200"),
        (DEEPSPEED, "loss=6.5@10 samples/sec=20.5@10 skipped=0.0@20 lr=1e-05@20"),
        (PAIRS, "loss=0.5@100 acc=0.9@100 loss=0.1@3 val_loss=0.2@3 train/loss=0.1@5 loss=None@10 lr=0.001@10 loss=2.0@7 "
                "train loss=0.25@4 acc=91.5@4 val loss=0.5@4"),
        (EPOCHS_OF_STEPS, "Loss=0.1@900 Loss=2.5@240640"),
        (IMAGENET, "Time=0.5@10 Loss=6.5@10 Acc@1=0.25@10"),
        (THOUSANDS, "loss=1234.5@1000 acc=0.9@1000 tokens=1234567.0@1000 loss=0.5@2500"),
        (SPACED, "train loss=4.25@0 val loss=4.5@0 loss=3.25@10 loss=10.95@11 norm=15.3@11 lr=8.5e-07@11"),
        (PRINTED, "loss=0.5@7 acc=0.9@7 loss=0.25@8 loss=0.125@9 acc=0.5@10"),
        (RANKS, "lm loss=7.25@100 lm loss=7.5@100 loss=0.5@3 loss=0.25@4 loss=0.75@5"),
        (BARS, "loss=0.5@50 lr=4e-05@50 loss=0.25@60 loss=0.75@10 loss=0.5@1000"),
        (SEVERAL, "loss=0.9@1 loss=0.8@2 loss=0.7@3 loss=0.5@4 loss=0.5@10 val loss=0.3@10"),
        (MEGATRON_VALIDATION, "lm loss=7.0@1000 lm loss value=2.5@1000 lm loss PPL=12.0@1000"),
        (DEEPSPEED_TIMER, "RunningAvgSamplesPerSec=12.5@30 CurrSamplesPerSec=12.25@30"),
        (CATBOOST, "learn=0.75@0 test=0.5@0 learn=0.5@10 test=None@10"),
        (MMENGINE, "lr=0.25@50 loss=1.25@50 loss=2.5@100"),
        (JSON_LINES, "loss=0.5@3 nested.a=1.0@3 loss=None@2 loss=1.0@4 loss=0.25@1"),
    ],
    ids=(
        "keras3 keras2 lightning hugging_face hugging_face_bar lightgbm xgboost megatron deepspeed pairs epochs imagenet "
        "thousands spaced printed ranks bars several "
        "megatron_validation deepspeed_timer catboost mmengine json"
    ).split(),
)  # fmt: skip
def test_forms_of_well_known_trainers(text: str, expected: str) -> None:
    """The points of a log, in order: name=value@step."""
    metrics = LogMetrics()
    found = [f"{name}={value}@{step}" for line in text.split("\n") for name, value, step in metrics.points_of(line)]

    assert " ".join(found) == expected


def test_what_a_terminal_would_overwrite_is_read_part_by_part() -> None:
    """A progress bar comes as one line of many."""
    line = "Epoch 1/1\r 1/2 [=>..] - ETA: 0s - loss: 1.0\x08\x08\x08\r2/2 [====] - 0s 1ms/step - loss: 0.5"

    assert LogMetrics().points_of(line) == [("loss", 0.5, 1)]


def test_each_update_of_a_bar_is_read() -> None:
    """A whole training may be one line, longer than a line that is looked at (M-061)."""
    line = "".join(f"\r{at:3}%|███| {at}/100 [00:01<00:10, {' ' * 300}9.8it/s, loss={at}.5]" for at in range(1, 101))

    assert LogMetrics().points_of(line) == [("loss", at + 0.5, at) for at in range(1, 101)]


@pytest.mark.parametrize(
    "line",
    [
        "seed: 42 port: 8080 batch_size=32", "Using 8 GPUs", "2024-01-01 12:00:00 INFO started", "", "http://host:8080/x?y=1",
        "loss: 0.5",  # of no step that is known
        "Epoch 3/10", "Epoch 1: val_loss improved from 0.5 to 0.4, saving", "{'a': 'b'}", "{1, 2}", "[1, 2]", "{}",
    ],
)  # fmt: skip
def test_other_lines_have_no_metrics(line: str) -> None:
    """Numbers alone are none."""
    assert LogMetrics().points_of(line) == []


def test_patterns_of_users_come_first() -> None:
    """By named groups, or by name and value; the step is kept from line to line; other lines are read as ever."""
    metrics = LogMetrics([r"it (?P<step>\d+) L (?P<my_loss>\S+)", r"metric (?P<name>\w+) is (?P<value>\S+)"])

    assert metrics.points_of("it 12 L 0.5") == [("my_loss", 0.5, 12)]
    assert metrics.points_of("metric foo is 3, metric bar is nan") == [("foo", 3.0, 12), ("bar", None, 12)]
    assert metrics.points_of("it x L none") == []
    assert metrics.points_of("step 5 loss=3") == [("loss", 3.0, 5)]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a", "missing"), (r"(?P<x>a)\1", "look-around"), ("(?=a)(?P<x>b)", "look-around"), ("loss", "named groups"),
        (r"(?P<step>\d)", "named groups"), ("(?P<x>" + "a" * 1000 + ")", "1000"), ("(?P<x>((a{100}){100}){100})", "cannot be used"),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_pattern_is_refused_with_the_remedy(pattern: str, words: str) -> None:
    """Before any line is read."""
    with pytest.raises(BadPatternError, match=words):
        LogMetrics([pattern])


N = 16_000
LONG = [
    "1/1" + " " * N, "a=" + " " * N, "step " + "1" * N, "a=" + "1" * N + "x", "a " * (N // 2), "1/1 " + "━" * N, "a" * N, "{" * N + "}",
    "{'a':" + "-" * N + "1}", "{'a': 1" + "+1" * (N // 2) + "}", "[1] " + "a's " * (N // 4), "%|" + "|" * N, "step 1 " * (N // 7),
    " 10%|" + " " * N + "| 1/2 [" + "a=" * N, " iteration 1/ 2 |" + "a " * N + ":", "\t " * N + "=", '{"a":' * N + "1", "{'a': " + "9" * N + "}",
    '{"step":1e999,"a":' + "9" * N + "}", "Epoch " + "9" * N + "/1", "[" + "9" * N + "]\ta:1", "x" * 10_000_000,
]  # fmt: skip


@pytest.mark.parametrize("line", LONG, ids=range(len(LONG)))
def test_no_line_takes_long(line: str) -> None:
    """Forms that would make a careless pattern try for hours; a user's pattern too."""
    metrics = LogMetrics([r"(?P<x>(a+)+)$", r"(?P<y>(\d+\s*)+)!"])
    begun = time.process_time()
    LogMetrics().points_of(line)
    metrics.points_of(line)

    assert time.process_time() - begun < 2


_PARTS = st.sampled_from(
    "Epoch 1/2|100/100|━━━ 1s|- loss: 0.5|step|=|: |nan|{'|'}|{\"a\":1}|[10]\t|iteration 5/ 9 ||100%|10/10 [|]|1e999|٣|\x1b[1m|\r|,".split(
        "|"
    )
)


@given(st.lists(_PARTS | st.text(max_size=8), max_size=12), st.lists(st.text(max_size=60), max_size=3))
def test_no_line_raises(parts: list[str], before: list[str]) -> None:
    """And what comes out are names that can be kept, finite numbers or None, steps that JSON keeps exactly."""
    metrics = LogMetrics()
    for line in (*before, "".join(parts), " ".join(parts)):
        for name, value, step in metrics.points_of(line):
            assert name
            assert name.isprintable()
            assert value is None or abs(value) < float("inf")
            assert isinstance(step, int)
            assert abs(step) < 2**53
