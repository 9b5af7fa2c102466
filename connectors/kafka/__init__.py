"""Records in and out: publishing, reading topics from end to end, and what topics are like. librdkafka's only room.

Others use `admin`, `batch_reader`, `changelog_reader`, `groups`, `publisher`, `security`, `topic_ends`,
`topic_follower`, `topic_reader`.
"""

__all__: list[str] = []
