"""A Kafka broker on this machine: Java and its jars found or fetched, started, watched, ended.

Others use `broker`, `config`, `errors`, `jars`, `java`, `locked_files`, `maven`, `ports`.
"""

__all__: list[str] = []
