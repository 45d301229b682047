# Two images: `--target api` is the HTTP service; `--target airflow` runs DAGs, MLflow, migrations and the command line.
# To pin the base image by digest: --build-arg PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:…
# checkov:skip=CKV_DOCKER_7: the tag is in the default of an argument, which the check does not read
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

# Numba caches machine code by the processor's name and features. A fixed baseline makes it usable on all machines.
# This one is x86-64 since 2013. For Graviton:
# --build-arg NUMBA_CPU_NAME=neoverse-n1 --build-arg NUMBA_CPU_FEATURES=+neon
ARG NUMBA_CPU_NAME=x86-64-v3
ARG NUMBA_CPU_FEATURES=+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt


FROM ${PYTHON_IMAGE} AS trimmed
COPY docker/trim.sh /
RUN /trim.sh && rm /trim.sh


# Removed files would still be in the lower layers. Both images therefore start from scratch on one shared layer.
FROM scratch AS runtime
# hadolint ignore=DL3067
COPY --from=trimmed / /
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8


FROM ${PYTHON_IMAGE} AS build
ENV PYTHONDONTWRITEBYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1
WORKDIR /build
COPY requirements/bootstrap.txt requirements/build.txt requirements/
# Debian keeps only one version of binutils, so there is no version to pin.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/uv \
    && /opt/uv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        --requirement requirements/bootstrap.txt --requirement requirements/build.txt
COPY docker/prune.sh docker/


FROM build AS wheel
COPY LICENSE README.md pyproject.toml ./
COPY sentiment_core sentiment_core
COPY api api
COPY insights insights
COPY sql sql
RUN /opt/uv/bin/hatchling build --target wheel --directory /wheel


FROM build AS api-build
COPY requirements/api.txt requirements/
RUN python -m venv --without-pip /opt/venv \
    && /opt/uv/bin/uv pip install --python /opt/venv/bin/python --require-hashes --requirement requirements/api.txt \
    && docker/prune.sh /opt/venv \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv
COPY --from=wheel /wheel /wheel
ARG NUMBA_CPU_NAME
ARG NUMBA_CPU_FEATURES
COPY docker/install.sh docker/
RUN docker/install.sh /opt/venv


FROM runtime AS api
RUN groupadd --gid 10001 sentiment \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin sentiment \
    && install -d -o 10001 -g 10001 /var/cache/sentiment
COPY --from=api-build /opt/venv /opt/venv
ARG NUMBA_CPU_NAME
ARG NUMBA_CPU_FEATURES
ENV HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GIT_PYTHON_REFRESH=quiet \
    MLFLOW_DISABLE_TELEMETRY=true \
    NUMBA_CPU_NAME=$NUMBA_CPU_NAME \
    NUMBA_CPU_FEATURES=$NUMBA_CPU_FEATURES \
    SENTIMENT_API_HOST=0.0.0.0 \
    SENTIMENT_API_PROBES_PORT=8081 \
    SENTIMENT_MODEL_CACHE=/var/cache/sentiment
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "sentiment_core.healthcheck", "http://127.0.0.1:8081/healthz"]
CMD ["python", "-m", "api"]
ARG CODE_VERSION=unknown
ENV SENTIMENT_CODE_VERSION=$CODE_VERSION
LABEL org.opencontainers.image.title="sentiment-api" \
    org.opencontainers.image.description="Scores texts over HTTP" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision=$CODE_VERSION


FROM build AS airflow-build
COPY requirements/airflow.txt requirements/
RUN python -m venv --without-pip /opt/venv \
    && /opt/uv/bin/uv pip install --python /opt/venv/bin/python --require-hashes --requirement requirements/airflow.txt \
    && docker/prune.sh /opt/venv \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv
COPY --from=wheel /wheel /wheel
ARG NUMBA_CPU_NAME
ARG NUMBA_CPU_FEATURES
COPY docker/install.sh docker/
RUN docker/install.sh /opt/venv


FROM runtime AS airflow
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# The official chart runs the image as user 50000 in group 0 and mounts volumes at these folders.
RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /opt/airflow --shell /bin/bash airflow \
    && install -d -o 50000 -g 0 -m 0775 /opt/airflow /opt/airflow/config /opt/airflow/logs /var/cache/sentiment /var/lib/sentiment
COPY --from=airflow-build /opt/venv /opt/venv
COPY docker/entrypoint.sh /entrypoint
COPY docker/airflow.cfg /opt/airflow/airflow.cfg
COPY demo/airflow_config/airflow_local_settings.py /opt/airflow/config/
COPY plugins /opt/airflow/plugins
COPY dags /opt/airflow/dags
ARG NUMBA_CPU_NAME
ARG NUMBA_CPU_FEATURES
# An empty URI turns off the asynchronous database driver, which is not installed and not needed.
ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC= \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False \
    GIT_PYTHON_REFRESH=quiet \
    HOME=/tmp \
    MLFLOW_DISABLE_TELEMETRY=true \
    MPLCONFIGDIR=/tmp/matplotlib \
    NUMBA_CPU_NAME=$NUMBA_CPU_NAME \
    NUMBA_CPU_FEATURES=$NUMBA_CPU_FEATURES \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SENTIMENT_MODEL_CACHE=/var/cache/sentiment
WORKDIR /opt/airflow
USER 50000:0
EXPOSE 8080
# For the default command. Other programs of this image define their own health checks.
HEALTHCHECK --interval=15s --timeout=10s --start-period=90s --retries=5 \
    CMD ["python", "-m", "sentiment_core.healthcheck", "http://127.0.0.1:8080/api/v2/monitor/health"]
ENTRYPOINT ["/entrypoint"]
CMD ["airflow", "api-server"]
ARG CODE_VERSION=unknown
ENV SENTIMENT_CODE_VERSION=$CODE_VERSION
LABEL org.opencontainers.image.title="sentiment-airflow" \
    org.opencontainers.image.description="Airflow with the DAGs that score and train, MLflow, and the command line" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision=$CODE_VERSION
