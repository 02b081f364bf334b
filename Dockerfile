# syntax=docker/dockerfile:1
FROM python:3.12-slim AS wheels
WORKDIR /source
COPY requirements.lock ./
# Every wheel is checked against the lock here; the image below takes only those that run time needs.
RUN pip wheel --no-cache-dir --require-hashes --wheel-dir /wheels --requirement requirements.lock
COPY . .
RUN pip wheel --no-cache-dir --no-deps --no-index --find-links /wheels --wheel-dir /wheels .

FROM python:3.12-slim
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels onethread \
    && useradd --system --create-home --home-dir /var/lib/onethread onethread
USER onethread
WORKDIR /var/lib/onethread
ENV ONETHREAD_HOST=0.0.0.0 ONETHREAD_PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"ONETHREAD_PORT\"]}/health/live', timeout=2)"]
ENTRYPOINT ["onethread"]
CMD ["serve"]
