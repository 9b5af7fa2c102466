"""How databases of RocksDB are opened here: with little memory, by one process, told apart from unreadable ones."""

from pathlib import Path
from typing import Final

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, Rdict

__all__ = ["MIB", "DatabaseInUseError", "UnreadableDatabaseError", "opened"]

MIB: Final = 1024 * 1024
_WRITE_BUFFER: Final = 16 * MIB  # rows are written to files in pieces of this size
_BLOOM_BITS: Final = 10  # per key: one look-up in a hundred for a row that is not there reads the disk
_FILES: Final = 64  # kept open per database; RocksDB's default is all of them


class DatabaseInUseError(RuntimeError):
    """Another process has the database open; the text names the remedy."""


class UnreadableDatabaseError(RuntimeError):
    """The files are no database that can be read; the text says what RocksDB says."""


def opened(path: Path, compression: DBCompressionType, *, cache_bytes: int) -> Rdict:
    """The database in a folder, which is made where it is not there.

    DatabaseInUseError names the folder above it, which is a worker's; UnreadableDatabaseError.
    """
    try:
        return Rdict(str(path), _options(compression, cache_bytes))
    except Exception as error:  # rocksdict 0.3.29 has no class of its own
        if "lock" in str(error).lower():
            raise DatabaseInUseError(
                f"another worker has {path.parent} open: give each state worker a TIDECAST_WORKER_ID of its own"
            ) from error
        raise UnreadableDatabaseError(str(error)[:300]) from error


def _options(compression: DBCompressionType, cache_bytes: int) -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(_WRITE_BUFFER)
    options.set_max_open_files(_FILES)
    options.set_compression_type(compression)
    options.set_keep_log_file_num(2)
    blocks = BlockBasedOptions()
    blocks.set_bloom_filter(_BLOOM_BITS, False)
    blocks.set_block_cache(Cache(cache_bytes))
    options.set_block_based_table_factory(blocks)
    return options
