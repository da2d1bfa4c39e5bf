# syntax=docker/dockerfile:1
#
# The server of one function, for those who build with Docker; `./task images` builds
# the same without. From the root of the repository:
#
#   docker build -f images/runtime.Dockerfile --build-arg VERSION="$(git describe --tags --always)" \
#     --build-arg REVISION="$(git rev-parse HEAD)" -t saccade-runtime .
#
# It compiles C, so that for another platform docker needs an emulator (binfmt), and time.
FROM golang:1.26-bookworm AS build
ARG VERSION=unknown
RUN apt-get update && apt-get install -y --no-install-recommends npm && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY tools tools
# What `./task setup` does: ONNX Runtime and libjpeg-turbo, their SHA-256 checked.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    cd tools && XDG_CACHE_HOME=/fetched GOCACHE=/root/.cache/go-build go run ./onnxruntime && \
    XDG_CACHE_HOME=/fetched GOCACHE=/root/.cache/go-build go run ./turbojpeg && \
    mkdir -p /folders/var/cache /libraries && mkdir -m 1777 /folders/var/cache/saccade && \
    cp /fetched/saccade/onnxruntime/*/libonnxruntime.so.1 /fetched/saccade/turbojpeg/*/libturbojpeg.so.0 /libraries/
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=1 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -buildid= -X main.version=$VERSION" -o /saccade-runtime ./cmd/saccade-runtime

# The C library and libstdc++ of the Debian that it was built on, certificates,
# /etc/passwd with 65532 and /tmp; no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=unknown REVISION=unknown
LABEL org.opencontainers.image.title="saccade-runtime" \
      org.opencontainers.image.description="Saccade: the server of one function" \
      org.opencontainers.image.source="https://github.com/seed45885407/saccade" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /folders /
COPY LICENSE NOTICE /usr/share/doc/saccade/
COPY --from=build /libraries /usr/lib/saccade
COPY --from=build /saccade-runtime /saccade-runtime
ENV XDG_CACHE_HOME=/var/cache \
    SACCADE_ONNXRUNTIME=/usr/lib/saccade/libonnxruntime.so.1 \
    SACCADE_TURBOJPEG=/usr/lib/saccade/libturbojpeg.so.0
WORKDIR /
EXPOSE 8080
STOPSIGNAL SIGTERM
USER 65532:65532
ENTRYPOINT ["/saccade-runtime"]
