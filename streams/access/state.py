"""What the state has of access control: the table `access`, all of whose rows every worker knows."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.kafka.topic_follower import TopicFollower
from connectors.kafka.topic_reader import read_topic
from schemas.access import AccessRecord
from streams.access.authenticator import Authenticator
from streams.access.directory import Directory, read_rows
from streams.access.failures import Failures
from streams.access.first_administrator import make_first_administrator
from streams.access.passwords import Passwords
from streams.access.tokens import Tokens
from streams.access.vault import Vault, open_vault
from streams.rows.event_table import RecordTable
from streams.runtime import Part, StateRuntime

__all__ = ["AccessState", "open_state"]


@dataclass(frozen=True, kw_only=True)
class AccessState(Part):
    """The worker that has the partition of all rows applies commands; every worker follows them from the table's log.

    Where access control is off nothing is followed, and there is no vault.
    """

    runtime: StateRuntime
    access: RecordTable[AccessRecord]
    directory: Directory
    vault: Vault | None = None
    authenticator: Authenticator | None = None
    failures: Failures = field(default_factory=Failures)
    read: Mapping[int, int] = field(default_factory=dict)
    """Up to which offset of each partition the directory had been told before the start."""

    async def prepare(self) -> None:
        """Follow the rows, and see that there is somebody who may add users."""
        if self.vault is None:
            return
        runtime, loop = self.runtime, asyncio.get_running_loop()

        def read(records: Any) -> None:
            rows = read_rows(runtime.codec, records)
            try:
                loop.call_soon_threadsafe(self.directory.told_all, rows)
            except RuntimeError:  # the loop has ended
                return

        follower = TopicFollower(
            runtime.bootstrap, runtime.topics.access_changelog, runtime.topics.partitions, read, begin=self.read
        )
        follower.start()
        try:
            await make_first_administrator(runtime, self.directory, self.vault)
            await asyncio.Event().wait()
        finally:
            follower.close()


def open_state(runtime: StateRuntime) -> Part:
    """The state's part. With access control on it knows all users before the first request comes.

    AccessKeyError where the installation's secret is another one, BrokerUnreachableError where no broker answers.
    """
    settings, directory = runtime.settings, Directory()
    topic = runtime.topics.access_changelog
    table: RecordTable[AccessRecord] = RecordTable(runtime.app, "access", topic, **runtime.table_options)
    if not settings.auth_ways:
        return AccessState(runtime=runtime, access=table, directory=directory)
    vault = open_vault(settings, runtime.store)
    tokens = Tokens(vault.token_key, settings.token_lifetime_s)
    records = list(read_topic(runtime.bootstrap, topic))
    directory.told_all(read_rows(runtime.codec, [(record.key, record.value) for record in records]))
    return AccessState(
        runtime=runtime,
        access=table,
        directory=directory,
        vault=vault,
        authenticator=Authenticator(directory, vault, tokens, Passwords()),
        read={record.partition: record.offset + 1 for record in records},
    )
