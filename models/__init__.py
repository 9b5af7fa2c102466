"""How a forecast is computed: pure functions on numpy arrays. No Kafka, no Avro, no HTTP, no clock, no files.

Start reading at `models.catalog` (which models exist), then `models.batch` (requests in, answers out).
"""

__all__: list[str] = []
