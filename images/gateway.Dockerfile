# syntax=docker/dockerfile:1
#
# The command line and gateway, for those who build with Docker; `./task images` builds
# the same without. From the root of the repository:
#
#   docker build -f images/gateway.Dockerfile --build-arg VERSION="$(git describe --tags --always)" \
#     --build-arg REVISION="$(git rev-parse HEAD)" -t saccade .
#
# With --platform linux/amd64,linux/arm64 too: Go compiles for the other one where it is.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
ARG TARGETOS TARGETARCH VERSION=unknown
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
    -ldflags "-s -w -buildid= -X main.version=$VERSION" -o /saccade ./cmd/saccade
# There is no shell in the last stage to make it with.
RUN mkdir -p /folders/var/cache && mkdir -m 1777 /folders/var/cache/saccade

# Certificates, /etc/passwd with 65532 and /tmp; no shell.
FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=unknown REVISION=unknown
LABEL org.opencontainers.image.title="saccade" \
      org.opencontainers.image.description="Saccade: the command line and the gateway" \
      org.opencontainers.image.source="https://github.com/seed45885407/saccade" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /folders /
COPY LICENSE NOTICE /usr/share/doc/saccade/
COPY --from=build /saccade /saccade
ENV XDG_CACHE_HOME=/var/cache
WORKDIR /
EXPOSE 8080
STOPSIGNAL SIGTERM
USER 65532:65532
ENTRYPOINT ["/saccade"]
