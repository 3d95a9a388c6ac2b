# Two images: `web` takes uploads and serves pages, without torch; `worker` does the jobs.
#   docker build --target web .          docker build --target worker .
# On machines without a GPU: --build-arg TORCH_INDEX=URL, the address of PyTorch's CPU builds

ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --create-home sonorize && install -d -o sonorize -g sonorize /data
WORKDIR /build
ENV SONORIZE_DATA_DIR=/data
ENTRYPOINT ["sonorize"]

FROM base AS web
COPY constraints.txt requirements-web.txt ./
RUN pip install -c constraints.txt -r requirements-web.txt
COPY . .
# --no-deps: pyproject names torch too, and the list above is all that the web needs.
RUN pip install --no-deps . && rm -rf /build/*
USER sonorize
WORKDIR /data
EXPOSE 8080
CMD ["serve", "--host", "0.0.0.0", "--port", "8080", "--workers", "0"]

# The sampler is compiled here, so that the worker's image needs no compiler.
FROM base AS wheel
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
COPY . .
RUN pip wheel --no-deps --wheel-dir /wheels .

FROM base AS worker
ARG TORCH_INDEX=
COPY constraints.txt ./
# torch first and pinned, so that no later package can pull another build of it; its layer changes least.
RUN pip install -c constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch
COPY --from=wheel /wheels /wheels
RUN pip install -c constraints.txt /wheels/*.whl && rm -rf /build/* /wheels
USER sonorize
WORKDIR /data
CMD ["worker"]
