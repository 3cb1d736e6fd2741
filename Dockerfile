# varpix for CPUs; with --build-arg DEVICE=cuda for NVIDIA GPUs too. docs/containers.md describes how to build and run it.
#
# libtorch comes from the PyPI wheels (scripts/setup), so neither stage needs a PyTorch or NVIDIA image.
ARG BUILD_IMAGE=docker.io/library/rust:1-bookworm
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
ARG DEVICE=cpu
WORKDIR /src
# Rarely changed layers first: Debian packages and libtorch.
COPY scripts/setup scripts/setup
RUN case "$DEVICE" in cpu) scripts/setup --build ;; cuda) scripts/setup --build --cuda ;; *) echo "DEVICE must be cpu or cuda" >&2; exit 1 ;; esac
COPY . .
# The commit for `varpix --version`; the build context contains no repository.
ARG REVISION=
RUN VARPIX_COMMIT="$(printf %.12s "$REVISION")" cargo build --release --locked \
 && install -D --strip target/release/varpix /out/bin/varpix \
 && ln -s varpix /out/bin/run_deepvariant \
 && for model in models/*/model.json; do \
      install -D -m 644 -t "/out/share/varpix/$(dirname "$model")" "$(dirname "$model")"/*.json "$(dirname "$model")"/weights.safetensors; \
    done \
 && install -D -m 644 -t /out/share/doc/varpix LICENSE-MIT LICENSE-APACHE README.md \
 && install -D -m 644 -t /out/lib/varpix libtorch/lib/*.so* \
 && if [ "$DEVICE" = cuda ]; then \
      mkdir -p /out/lib/varpix/torch \
      && cp -a libtorch-cuda/torch/lib /out/lib/varpix/torch/lib && cp -a libtorch-cuda/nvidia /out/lib/varpix/nvidia \
      && rm /out/lib/varpix/torch/lib/libtorch_cpu.so /out/lib/varpix/torch/lib/libtorch_python.so; \
    fi

FROM ${BASE_IMAGE}
# bash and procps: workflow managers need them to run and measure tasks.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends bash procps libstdc++6 \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*
COPY --from=build /out /usr/local
ARG REVISION=
ARG VERSION=
LABEL org.opencontainers.image.title="varpix" \
      org.opencontainers.image.description="Germline small-variant caller: pileup images, a CNN, one process" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENTRYPOINT ["varpix"]
CMD ["--help"]
