"""Data sets: upload, preview, list, removal (contract 000, section 3)."""

import gzip
import io
import re
import uuid
import zipfile
from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest

from tests.acceptance.conftest import LIMITS
from tests.acceptance.forecasting.jobs import HISTORY, PREVIEW, check_error, csv, element, new_job, sample, train
from tests.integration.services import Api


def _upload(api: Api, content: bytes, *, file_name: str = "series.csv", **form: str) -> httpx.Response:
    return api.call("POST", "/data/", files={"upload": (file_name, content)}, data=form)


def _ids(api: Api) -> list[int]:
    return [dataset["id"] for dataset in api.get("/data/")["data"]]


def test_J030_to_J035_an_upload_answers_with_the_data_set(api: Api) -> None:
    """201 and the six fields of `data`, each of its type and form."""
    answer = _upload(api, PREVIEW, file_name="cores.csv", name="test_dataset")
    data = answer.json()["data"]

    assert answer.status_code == 201
    assert 1 <= data["id"] <= 2**53 - 1
    assert data["name"] == "test_dataset"
    assert str(uuid.UUID(data["uuid"])) == data["uuid"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d", data["time_created"])
    assert datetime.fromisoformat(data["time_created"]).utcoffset() is not None
    assert data["upload"] == "/uploads/cores.csv"
    assert data["related_user"] == 1


def test_J036_to_J040_the_preview_shows_every_column_and_the_first_five_rows(api: Api) -> None:
    """The contract's example: columns in file order from 0, numbers as numbers, texts and timestamps as in the file."""
    data_id = api.add_dataset(PREVIEW)
    body = api.get(f"/data/{data_id}/")

    assert set(body) == {"data", "header", "status", "heads"}
    assert body["data"]["id"] == data_id
    assert body["status"] == 200
    assert body["header"] == [
        {"index": 0, "label": "Region"},
        {"index": 1, "label": "VMSeries"},
        {"index": 2, "label": "ObjectTime"},
        {"index": 3, "label": "sum_PeakDailyCores"},
    ]
    assert body["heads"] == {
        "Region": ["asiasoutheast", "ussouth", "ussouth", "europewest", "asiasoutheast"],
        "VMSeries": ["FS", "A", "D", "B", "B"],
        "ObjectTime": ["2020-08-01 00:00:00.0000000"] * 5,
        "sum_PeakDailyCores": [152, 1377, 234, 11912, 3866],
    }


def test_J034_the_file_can_be_read_where_upload_says(api: Api, http: httpx.Client) -> None:
    """Byte by byte as it was uploaded; another file of the same name elsewhere. Nobody can write over it."""
    contents = [PREVIEW, PREVIEW + b"ussouth,A,2020-08-02 00:00:00.0000000,1\n", PREVIEW]
    uploads = [_upload(api, content, file_name="readable.csv").json()["data"] for content in contents]

    assert uploads[0]["upload"] == uploads[2]["upload"] == "/uploads/readable.csv"
    for data, content in zip(uploads, contents, strict=True):
        assert http.get(data["upload"]).content == content
        answer = http.put(data["upload"], content=b"mine")
        assert answer.status_code == 409
        assert answer.json()["code"] == "ConflictError"
        assert http.get(data["upload"]).content == content
    assert api.call("DELETE", f"/data/{uploads[1]['id']}/").status_code == 204
    assert http.get(uploads[1]["upload"]).status_code == 404
    assert http.get(uploads[0]["upload"]).content == PREVIEW


def test_J030_the_preview_shows_the_same_data_object_as_the_upload(api: Api) -> None:
    """Upload, preview and list agree on `data`."""
    data = _upload(api, PREVIEW).json()["data"]

    assert api.get(f"/data/{data['id']}/")["data"] == data
    assert data in api.get("/data/")["data"]


def test_J039_a_shorter_file_shows_all_its_rows(api: Api) -> None:
    """Two rows: two values per column."""
    data_id = api.add_dataset(csv("day,value", "2020-01-01,1", "2020-01-02,2.5"))

    assert api.get(f"/data/{data_id}/")["heads"] == {"day": ["2020-01-01", "2020-01-02"], "value": [1, 2.5]}


@pytest.mark.parametrize("name", ["x" * 33, "two words", "ümlaut", "a-b", "a\n"])
def test_J031_a_name_is_1_to_32_of_letters_digits_and_underscore(api: Api, name: str) -> None:
    """Any other name: 400 that names the field."""
    check_error(_upload(api, PREVIEW, name=name), 400, "name")


def test_J031_the_longest_name_is_kept(api: Api) -> None:
    """32 characters are fine."""
    name = "Aa0_" * 8

    assert _upload(api, PREVIEW, name=name).json()["data"]["name"] == name


@pytest.mark.parametrize("form", [{}, {"name": ""}], ids=["absent", "left empty"])
def test_J031_without_a_name_the_file_lends_its_own(api: Api, form: dict[str, str]) -> None:
    """What J-031 does not allow is replaced; a form's empty field is one that was not filled in."""
    data = _upload(api, PREVIEW, file_name="peak cores (2020).csv", **form).json()["data"]

    assert data["name"] == "peak_cores_2020"


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/shadow", "dataset.json", "....csv"])
def test_J034_the_stored_name_is_never_a_path(api: Api, name: str) -> None:
    """Only the last part of the uploader's name is used, and the data set can be read."""
    data = _upload(api, PREVIEW, file_name=name).json()["data"]

    assert re.fullmatch(r"/uploads/[A-Za-z0-9_][A-Za-z0-9._-]*", data["upload"])
    assert api.get(f"/data/{data['id']}/")["heads"]["VMSeries"] == ["FS", "A", "D", "B", "B"]


def _archive(*names: str) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name in names or ("series.csv",):
                archive.writestr(name, PREVIEW)
        return file.getvalue()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\n\n", "empty", id="blank lines only"),
        pytest.param(b"day,value\n", "no rows", id="header only"),
        pytest.param(b"day,value\n2020-01-01,1\n2020-01-02\n", "line 3", id="a cell missing"),
        pytest.param(b"day,value\n2020-01-01,1,1\n", "line 2", id="a cell too many"),
        pytest.param("day,größe\n2020-01-01,1\nü,".encode() + b"\xfc\n", "UTF-8", id="damaged UTF-8"),
        pytest.param(b"day,value\n2020-01-01,\x00\n", "NUL", id="NUL byte"),
        pytest.param(b"day,value,value\n2020-01-01,1,2\n", '"value"', id="two columns of one name"),
        pytest.param(b"day,\n2020-01-01,1\n", "no name", id="a column without name"),
        pytest.param(b"day;value\n2020-01-01\n", "semicolon", id="semicolons above, none below"),
        pytest.param(b'day,value\n"2020-01-01,1\n2020-01-02,2\n', "quotation mark", id="an unclosed quote"),
        pytest.param(_archive("a.csv", "b.csv"), "2 files", id="an archive of two files"),
        pytest.param(_archive()[:-30], "damaged", id="a damaged archive"),
    ],
)
def test_J041_a_file_that_is_no_sound_csv_is_refused(api: Api, content: bytes, part: str) -> None:
    """400 that says what is wrong and where; nothing of the file is kept."""
    before = _ids(api)
    check_error(_upload(api, content), 400, part)

    assert _ids(api) == before


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'\xef\xbb\xbfgroup,day,value\n"a, b",2020-01-01,1\n', id="byte order mark"),
        pytest.param(b'group,day,value\r\n"a, b",2020-01-01,1\r\n', id="CRLF"),
        pytest.param(b'group,day,value\n"a, b",2020-01-01,1', id="no final line end"),
        pytest.param(b'group,day,value\n\n"a, b",2020-01-01,1\n\n', id="blank lines"),
        pytest.param(b'"group","day","value"\n"a, b","2020-01-01","1"\n', id="everything quoted"),
        pytest.param(b"group;day;value\na, b;2020-01-01;1\n", id="semicolons"),
        pytest.param("group\tday\tvalue\na, b\t2020-01-01\t1\n".encode("utf-16"), id="tabs in UTF-16"),
        pytest.param(b"sep=|\r\ngroup|day|value\r\na, b|2020-01-01|1\r\n", id="a sep= line"),
        pytest.param(gzip.compress(b'group,day,value\n"a, b",2020-01-01,1\n'), id="gzip"),
        pytest.param(b'group,day,value,\r"a, b",2020-01-01,1,\r', id="a trailing comma, lines of old Macs"),
    ],
)
def test_J042_usual_dialects_of_csv_are_read_alike(api: Api, content: bytes) -> None:
    """The same labels and values, the comma in quotes as text, and columns that a job can use."""
    job_id, ts_ids = new_job(api, content, timestamp=1, target=2, groupby=[0])
    heads = api.get(f"/data/{api.get(f'/job/{job_id}/')['data_id']}/")["heads"]
    details = api.get(f"/job/{job_id}/ts_details/")["ts_details"]

    assert heads == {"group": ["a, b"], "day": ["2020-01-01"], "value": [1]}
    assert [(series["ts_id"], series["groupby_val"]) for series in details] == [(ts_ids[0], "('a, b',)")]


def test_J036_labels_and_cells_of_any_script_are_kept(api: Api) -> None:
    """UTF-8 text comes back as it was sent."""
    data_id = api.add_dataset(csv("时间,größe 😀", "2020-01-01,Ünï", "2020-01-02,中文"))

    assert api.get(f"/data/{data_id}/")["heads"] == {"时间": ["2020-01-01", "2020-01-02"], "größe 😀": ["Ünï", "中文"]}


@pytest.mark.parametrize("data_id", [1, 2**53 - 1])
def test_J041_an_unknown_data_set_is_404(api: Api, data_id: int) -> None:
    """For reading and for removal, in the envelope of J-145."""
    check_error(api.call("GET", f"/data/{data_id}/"), 404, str(data_id))
    check_error(api.call("DELETE", f"/data/{data_id}/"), 404, str(data_id))


def test_J042_a_removed_data_set_is_gone(api: Api) -> None:
    """204, then 404 and no more in the list; the others stay."""
    kept, removed = api.add_dataset(PREVIEW), api.add_dataset(PREVIEW)
    answer = api.call("DELETE", f"/data/{removed}/")

    assert answer.status_code == 204
    assert answer.content == b""
    check_error(api.call("GET", f"/data/{removed}/"), 404)
    assert kept in _ids(api)
    assert removed not in _ids(api)


def test_J042_a_job_keeps_its_series_when_its_data_set_is_removed(api: Api) -> None:
    """The series were made at PUT: training and history need the file no more."""
    job_id, (ts_id,) = new_job(api, sample())
    api.call("DELETE", f"/data/{api.get(f'/job/{job_id}/')['data_id']}/")
    ((result,),) = [series["results"] for series in train(api, job_id, element(ts_id))["results"]]

    assert result["ts_history"]["sum_PeakDailyCores"] == list(HISTORY)


def _under(key: str, http: httpx.Client, content: bytes) -> httpx.Response:
    return http.post(
        "/data/", files={"upload": ("series.csv", content)}, data={"name": "keyed"}, headers={"Idempotency-Key": key}
    )


def test_D10_an_upload_repeated_under_its_key_is_one_data_set(http: httpx.Client, api: Api) -> None:
    """Decision 10: the same file, name and key give the same data set."""
    key, before = uuid.uuid4().hex, _ids(api)
    first, second = (_under(key, http, PREVIEW) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert set(_ids(api)) - set(before) == {first.json()["data"]["id"]}


def test_D10_a_key_cannot_be_used_for_another_file_of_the_same_size(http: httpx.Client) -> None:
    """Decision 10: 409, for an answer with the first data set would lose the second file."""
    key = uuid.uuid4().hex
    first = _under(key, http, csv("day,value", "2020-01-01,1"))
    other = _under(key, http, csv("day,value", "2020-01-01,2"))

    assert first.status_code == 201
    check_error(other, 409, "Idempotency-Key")
    assert other.json()["code"] == "idempotency_key_reused"


def test_D10_after_a_removal_the_same_upload_makes_a_new_data_set(http: httpx.Client, api: Api) -> None:
    """Whoever kept the old id must not find another file under it; a repeat of the new upload is one again."""
    key = uuid.uuid4().hex
    first = _under(key, http, PREVIEW).json()["data"]["id"]
    assert http.delete(f"/data/{first}/").status_code == 204
    other = _under(key, http, sample())
    second, again = (_under(key, http, PREVIEW).json()["data"]["id"] for _ in range(2))

    check_error(other, 409, "Idempotency-Key")
    assert second != first
    assert again == second
    check_error(api.call("GET", f"/data/{first}/"), 404)


def test_J161_a_file_above_the_limit_is_413(api: Api) -> None:
    """One byte more than the limit is refused with the limit's name; the limit itself is accepted."""
    limit = LIMITS["max_upload_bytes"]
    start = b"day,value\n2020-01-01,1\n"
    largest = start + b"\n" * (limit - len(start))

    check_error(_upload(api, largest + b"\n"), 413, "TIDECAST_MAX_UPLOAD_BYTES")
    assert _upload(api, largest).status_code == 201


def test_J161_a_body_far_above_the_limit_is_413_with_and_without_its_length(http: httpx.Client) -> None:
    """Refused by its Content-Length, and once it passes the limit where it has none."""
    head = b'--x\r\nContent-Disposition: form-data; name="upload"; filename="a.csv"\r\n\r\n'
    body = head + b"day,value\n" + b"2020-01-01,1\n" * 30_000 + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    def in_chunks() -> Iterator[bytes]:
        yield from (body[start : start + 8192] for start in range(0, len(body), 8192))

    check_error(http.post("/data/", content=body, headers=headers), 413)
    check_error(http.post("/data/", content=in_chunks(), headers=headers), 413)


def test_J042_a_form_without_a_file_is_400(api: Api) -> None:
    """Another field, or a text where the file should be: the message names `upload`."""
    check_error(api.call("POST", "/data/", files={"other": ("a.csv", PREVIEW)}), 400, "upload")
    check_error(api.call("POST", "/data/", files={"upload": (None, "day,value")}), 400, "upload", "file")


def test_J042_a_form_that_is_cut_off_is_400(http: httpx.Client) -> None:
    """A multipart body without its end, and one whose boundary is not the declared one."""
    for body in (b"--x\r\nContent-Disposition: form-data; na", b"day,value\n2020-01-01,1\n", b""):
        answer = http.post("/data/", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
        check_error(answer, 400)
