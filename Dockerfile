# The service (last stage, the default) and a Kafka Connect worker with the plugins of our sinks (target connect).

FROM python:3.11.9-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements-image.lock /src/
RUN pip install --require-hashes -r /src/requirements-image.lock
COPY pyproject.toml README.md LICENSE /src/
COPY schemas /src/schemas
COPY models /src/models
COPY connectors /src/connectors
COPY streams /src/streams
COPY agents /src/agents
RUN pip install --no-deps /src

# Jars by recorded sums, from Maven's registry.
FROM build AS plugins
WORKDIR /
RUN python -m connectors.kafka_connect.parts plugins /plugins

FROM apache/kafka:4.3.1 AS connect
COPY --from=plugins /plugins /opt/tidecast/plugins
COPY connectors/kafka_connect/connect-worker.properties /opt/tidecast/connect-worker.properties
# Times of forecasts are written in the worker's time zone, see connectors/kafka_connect/sinks/postgresql.sql.
ENV CONNECT_LISTENERS=http://:8083 \
    KAFKA_HEAP_OPTS=-Xmx512m \
    KAFKA_OPTS=-Duser.timezone=UTC
USER root
RUN mkdir /var/lib/forecasts && chown appuser /var/lib/forecasts
USER appuser
EXPOSE 8083
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8083 && printf 'GET /connectors HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q ' 200 ' <&3"]
ENTRYPOINT []
CMD ["/opt/kafka/bin/connect-distributed.sh", "/opt/tidecast/connect-worker.properties"]

FROM python:3.11.9-slim-bookworm AS service
# LightGBM's threads.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home tidecast && mkdir /var/lib/tidecast && chown tidecast /var/lib/tidecast
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TIDECAST_HOME=/var/lib/tidecast \
    TIDECAST_HTTP_HOST=0.0.0.0
USER tidecast
WORKDIR /var/lib/tidecast
VOLUME /var/lib/tidecast
EXPOSE 8080
# For a state worker; a trainer serves nothing, and ends where it cannot work.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('TIDECAST_HTTP_PORT', '8080') + '/readyz', timeout=5)"]
ENTRYPOINT ["tidecast"]
CMD ["--help"]
