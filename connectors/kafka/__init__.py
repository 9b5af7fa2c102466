"""Records in and out: publishing, reading topics from end to end, and what topics are like. librdkafka's only room."""

__all__: list[str] = []
