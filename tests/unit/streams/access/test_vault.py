"""The installation's secret, and what is made of it."""

from pathlib import Path

import pytest

from connectors.objects.store import ObjectStore
from streams.access.keys import new_key
from streams.access.vault import AccessKeyError, Vault, hop_secret, open_vault
from streams.settings import Settings

A, B = "a" * 32, "b" * 32


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(f"file://{tmp_path / 'objects'}")


def test_a_secret_is_kept_so_that_only_the_vault_reads_it() -> None:
    vault = Vault(b"x" * 32)
    kept = vault.encrypted("a secret")

    assert "a secret" not in kept
    assert vault.decrypted(kept) == "a secret"
    assert Vault(b"y" * 32).decrypted(kept) is None
    assert vault.decrypted(kept[:-2]) is None


def test_a_command_that_comes_again_makes_the_same_key() -> None:
    vault = Vault(b"x" * 32)

    assert new_key(vault, "c-1") == new_key(vault, "c-1")
    assert not set(new_key(vault, "c-1")) & set(new_key(vault, "c-2"))
    assert [len(it) for it in new_key(vault, "c-1")] == [20, 40]
    assert all(it.isalnum() for it in new_key(vault, "c-1"))


def test_the_file_is_made_once_for_its_user_alone(tmp_path: Path, store: ObjectStore) -> None:
    first = open_vault(Settings(home=tmp_path), store)
    second = open_vault(Settings(home=tmp_path), store)

    assert first.token_key == second.token_key
    assert (tmp_path / "access.key").stat().st_mode & 0o777 == 0o600
    assert [it.name for it in tmp_path.glob("access*")] == ["access.key"]


def test_a_file_that_others_can_read_is_refused(tmp_path: Path, store: ObjectStore) -> None:
    open_vault(Settings(home=tmp_path), store)
    (tmp_path / "access.key").chmod(0o644)

    with pytest.raises(AccessKeyError, match="chmod 600"):
        open_vault(Settings(home=tmp_path), store)


def test_another_secret_than_the_installations_is_refused(tmp_path: Path, store: ObjectStore) -> None:
    """Its tokens would be good at one worker and void at the others."""
    open_vault(Settings(home=tmp_path / "1", access_key=A), store)
    open_vault(Settings(home=tmp_path / "2", access_key=A), store)

    with pytest.raises(AccessKeyError, match="TIDECAST_ACCESS_KEY"):
        open_vault(Settings(home=tmp_path / "3", access_key=B), store)


def test_workers_that_share_a_store_know_one_another(tmp_path: Path, store: ObjectStore) -> None:
    """Without a setting by a secret in the store, else by the setting, which is not the secret itself."""
    one, two = (hop_secret(Settings(home=tmp_path / name), store) for name in "12")
    named = hop_secret(Settings(home=tmp_path, cluster_secret=A), store)

    assert one == two
    assert len({one, named, hop_secret(Settings(home=tmp_path, access_key=B), store), A.encode()}) == 4


@pytest.mark.parametrize("field", ["access_key", "cluster_secret"])
def test_a_short_secret_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="32 characters"):
        Settings(**{field: "short"})  # type: ignore[arg-type]


@pytest.mark.parametrize("auth", ["", "tokn", "token,", "off,token", "Token", "token;ak-sk"])
def test_an_unknown_way_to_show_who_asks_is_refused(auth: str) -> None:
    """A misspelt one would leave the doors open."""
    with pytest.raises(ValueError, match="expected off, token, ak-sk"):
        Settings(auth=auth)


def test_ways_to_show_who_asks() -> None:
    assert Settings().auth_ways == frozenset()
    assert Settings(auth="ak-sk , token").auth_ways == {"token", "ak-sk"}
