"""Which requests go to the owner of what they are about, and in whose words they are refused meanwhile."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI, Request, Response
from yarl import URL

from connectors.objects.store import ObjectStore
from streams.access.caller import ANYBODY
from streams.errors import RejectedError
from streams.settings import Settings
from streams.views.doors import doors_of
from streams.views.web import forwarding
from streams.views.web.admission.authentication import Authentication
from streams.views.web.admission.hops import HOP, hops_of
from streams.views.web.forwarding import OwnerForwarding, passed_on


class Cluster:
    """This worker, and another one that owns some keys and notes what it is asked."""

    def __init__(self, runtime: Any, client: httpx.AsyncClient) -> None:
        self.runtime = runtime
        self.client = client
        self.ready = True
        self.elsewhere: set[bytes] = set()
        self.looked_up: list[bytes] = []
        self.owner = URL("http://127.0.0.1:1")
        self.headers: Any = {}
        self.asked: list[tuple[str, str, bytes]] = []
        self.hops: list[list[str]] = []
        self.content_types: list[str] = []

    def owner_of(self, key: bytes) -> URL | None:
        self.looked_up.append(key)
        return self.owner if key in self.elsewhere else None

    async def answer(self, request: web.Request) -> web.Response:
        """The owner's answer."""
        raw = str(request.rel_url)
        self.content_types += request.headers.getall("content-type", [])
        self.asked.append((request.method, raw, await request.read()))
        self.hops.append(request.headers.getall(HOP, []))
        self.headers = request.headers
        return web.Response(text="from the owner", status=202, headers={"X-Its": "own"})


@pytest.fixture
async def cluster(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    """Both, with an application here that answers all by itself."""
    here = FastAPI()

    @here.api_route("/{path:path}", methods=["GET", "POST", "DELETE", "HEAD"])
    async def _(request: Request) -> Response:
        await request.body()
        return Response("from here")

    async with aiohttp.ClientSession() as session:
        parts: dict[type, Any] = {}
        runtime: Any = SimpleNamespace(
            app=SimpleNamespace(http_client=session),
            store=ObjectStore(f"file://{tmp_path}"),
            settings=Settings(home=tmp_path),
            parts=parts,
            add=lambda part: parts.setdefault(type(part), part),
        )
        doors = doors_of()
        transport = httpx.ASGITransport(Authentication(OwnerForwarding(here, runtime, doors), runtime, doors))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            made = Cluster(runtime, client)
            monkeypatch.setattr(forwarding, "is_ready", lambda _: made.ready)
            monkeypatch.setattr(forwarding, "owner_elsewhere", lambda _, key: made.owner_of(key))
            monkeypatch.setattr(forwarding, "owned_partitions", lambda _: 2)
            other = web.Application(client_max_size=8 * 2**20)
            other.router.add_route("*", "/{path:.*}", made.answer)
            runner = web.AppRunner(other)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            made.owner = URL(f"http://127.0.0.1:{runner.addresses[0][1]}")
            yield made
            await runner.cleanup()


TO_OWNER = [
    ("GET", "/job/7/", b"7"),
    ("DELETE", "/data/7/", b"7"),
    ("GET", "/transform-jobs/b1", b"b1"),
    ("GET", "/transform-jobs/b1/output", b"b1"),
    ("POST", "/transform-jobs/b1/stop", b"b1"),
    ("POST", "/v1/p1/training-jobs", b"p1"),
    ("GET", "/v1/p1/training-jobs", b"p1"),
    ("HEAD", "/v1/p1/training-jobs", b"p1"),
    ("DELETE", "/v1/p1/training-jobs/7", b"p1"),
    ("GET", "/v1/p1/training-jobs/7/versions/7", b"p1"),
]


@pytest.mark.parametrize(("method", "path", "key"), TO_OWNER)
async def test_the_owner_answers(cluster: Cluster, method: str, path: str, key: bytes) -> None:
    """The request goes there once, and its answer comes back as it is; what is this worker's own is answered here."""
    mine = await cluster.client.request(method, path)
    cluster.elsewhere.add(key)
    theirs = await cluster.client.request(method, path)

    assert (mine.status_code, theirs.status_code, theirs.headers["x-its"]) == (200, 202, "own")
    assert cluster.asked == [(method, path, b"")]
    assert set(cluster.looked_up) == {key}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/job/"),
        ("GET", "/data/7/"),
        ("GET", "/transform-jobs"),
        ("POST", "/transform-jobs"),
        ("GET", "/endpoints"),
        ("GET", "/v1/p1/other"),
        ("GET", "/v1"),
        ("GET", "/healthz"),
    ],
)
async def test_what_belongs_to_nobody_is_answered_here(cluster: Cluster, method: str, path: str) -> None:
    """Lists, what lies in the object store, and names that only the body knows."""
    assert (await cluster.client.request(method, path)).text == "from here"
    assert not cluster.looked_up


async def test_a_body_and_a_query_arrive_whole(cluster: Cluster) -> None:
    """Nothing is escaped twice or lost."""
    cluster.elsewhere.add(b"p1")
    path = "/v1/p1/training-jobs?search_content=a%20b%26c&page=1"
    await cluster.client.post(path, content=b'{"job_name": "x"}')

    assert cluster.asked == [("POST", path, b'{"job_name": "x"}')]
    [[hop]] = cluster.hops
    scope = {"method": "POST", "raw_path": b"/v1/p1/training-jobs", "query_string": path.partition("?")[2].encode()}
    _, who = hops_of(cluster.runtime).marked({**scope, "headers": [(HOP.encode(), hop.encode())]})
    assert who == ANYBODY


async def test_the_owner_does_not_judge_the_page_again(cluster: Cluster) -> None:
    """Our own page is that of the worker that was asked; to the owner, which has another name, it would be foreign."""
    cluster.elsewhere.add(b"p1")
    page = {"Origin": "http://here", "Referer": "http://here/docs", "Sec-Fetch-Site": "same-origin", "X-Kept": "1"}
    await cluster.client.post("/v1/p1/training-jobs", content=b"{}", headers=page)

    assert not {name for name in cluster.headers if name.lower() in ("origin", "referer", "sec-fetch-site")}
    assert cluster.headers["x-kept"] == "1"
    assert cluster.headers["host"] == f"{cluster.owner.host}:{cluster.owner.port}"


async def test_a_request_is_passed_on_once(cluster: Cluster) -> None:
    """While partitions move, two workers may each take the other for the owner."""
    cluster.elsewhere.add(b"p1")

    url = URL("http://here/v1/p1/training-jobs")
    signed = hops_of(cluster.runtime).header("GET", url)
    assert (await cluster.client.get("/v1/p1/training-jobs", headers=signed)).text == "from here"
    assert not cluster.asked
    for pretended in ("1", signed[HOP]):  # whoever wrote it down, or has seen it
        answer = await cluster.client.get("/v1/p1/training-jobs", headers={HOP: pretended})
        assert answer.text == "from the owner"


async def test_what_it_takes_to_ask_in_a_users_name_stays_here(cluster: Cluster) -> None:
    """Whoever pretends to be an owner learns nothing by it."""
    cluster.elsewhere.add(b"p1")
    sent = {"Authorization": "Bearer a", "X-Auth-Token": "a", "Cookie": "tidecast_session=a", "X-Kept": "1"}
    await cluster.client.post("/v1/p1/training-jobs", content=b"{}", headers=sent)

    assert not {"authorization", "x-auth-token", "cookie"} & {name.lower() for name in cluster.headers}
    assert cluster.headers["x-kept"] == "1"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/job/7/", {"status", "code", "message"}),
        ("/transform-jobs", {"code", "message"}),
        ("/transform-jobs/b1", {"code", "message"}),
        ("/v1/p1/training-jobs/7/versions", {"is_success", "error_code", "error_message"}),
    ],
)
async def test_nothing_is_read_from_tables_that_are_recovered(cluster: Cluster, path: str, fields: set[str]) -> None:
    """503 with the time to wait, in the words of the resource's contract."""
    cluster.ready = False
    answer = await cluster.client.get(path)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert set(answer.json()) == fields


async def test_the_owner_is_silent(cluster: Cluster) -> None:
    """503 as well: it may be starting."""
    cluster.elsewhere.add(b"p1")
    cluster.owner = URL("http://127.0.0.1:1")
    answer = await cluster.client.get("/v1/p1/training-jobs")

    assert answer.status_code == 503
    assert answer.json()["error_code"] == "ModelArts.0105"


class TestPassedOn:
    """Requests whose body names the key."""

    def request(self, cluster: Cluster, body: bytes, **headers: str) -> Request:
        """A POST whose body is at hand."""
        sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        scope = {"type": "http", "method": "POST", "path": "/transform-jobs", "query_string": b"", "headers": sent}
        scope, _ = hops_of(cluster.runtime).marked(scope)
        return Request(scope, receive)

    async def test_to_the_owner(self, cluster: Cluster) -> None:
        """With the body that was read already, and back with all that the owner said."""
        cluster.elsewhere.add(b"b1")
        request = self.request(cluster, b'{"TransformJobName": "b1"}', idempotency_key="k")
        await request.body()
        answer = await passed_on(cluster.runtime, request, b"b1")

        assert answer is not None
        assert (answer.status_code, answer.body, answer.headers["x-its"]) == (202, b"from the owner", "own")
        assert answer.headers.getlist("content-length") == ["14"]
        assert cluster.asked == [("POST", "/transform-jobs", b'{"TransformJobName": "b1"}')]

    @pytest.mark.parametrize("name", ["series.csv", 'größe "q" 100%.csv', "日本\\x;y=1.csv"])
    async def test_a_form_that_was_read(self, cluster: Cluster, name: str) -> None:
        """Arrives as a form again: the same fields, file names and bytes, in the same order."""
        cluster.elsewhere.add(b"7")
        content = bytes(range(256)) * 8000  # more than what is kept in memory
        fields = {"name": "ä b", "separator": ";"}
        sent = httpx.Request("POST", "http://here/data/", files={"upload": (name, content, "text/csv")}, data=fields)
        request = self.request(cluster, sent.read(), content_type=sent.headers["content-type"])
        before = [
            (key, value if isinstance(value, str) else (value.filename, value.content_type, await value.read()))
            for key, value in (await request.form()).multi_items()
        ]
        await passed_on(cluster.runtime, request, b"7")

        [(_, _, body)], [content_type] = cluster.asked, cluster.content_types
        again = self.request(cluster, body, content_type=content_type)
        assert [
            (key, value if isinstance(value, str) else (value.filename, value.content_type, await value.read()))
            for key, value in (await again.form()).multi_items()
        ] == before

    async def test_what_is_ours(self, cluster: Cluster) -> None:
        """And what another worker takes for ours."""
        assert await passed_on(cluster.runtime, self.request(cluster, b""), b"b1") is None
        cluster.elsewhere.add(b"b1")
        signed = hops_of(cluster.runtime).header("POST", URL("http://here/transform-jobs"))[HOP]
        assert await passed_on(cluster.runtime, self.request(cluster, b"", x_tidecast_forwarded=signed), b"b1") is None

    async def test_a_silent_owner(self, cluster: Cluster) -> None:
        """503: asked again later, it may answer."""
        cluster.elsewhere.add(b"b1")
        cluster.owner = URL("http://127.0.0.1:1")

        with pytest.raises(RejectedError) as refused:
            await passed_on(cluster.runtime, self.request(cluster, b""), b"b1")
        assert refused.value.status == 503
