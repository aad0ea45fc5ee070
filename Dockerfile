# Build a static binary: SQLite is pure Go, so there is no C library to link.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The repository is not copied, so that what it would say is said here:
# --build-arg VERSION=v0.1.0 --build-arg COMMIT=$(git rev-parse HEAD) --build-arg DATE=…
ARG VERSION COMMIT DATE
RUN CGO_ENABLED=0 go build -trimpath \
    -ldflags="-s -w -X hourbank/version.number=$VERSION -X hourbank/version.commit=$COMMIT -X hourbank/version.date=$DATE" \
    -o /out/hourbank . \
 && mkdir -p /out/data

# Nothing but the binary, certificates for Stripe's API, and a user that is not root.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/hourbank /hourbank
COPY --from=build --chown=nonroot:nonroot /out/data /data
# The default, sqlite:hourbank.db, lies here. It is no DATABASE_URL, beside which
# DATABASE_URL_FILE would be a mistake.
WORKDIR /data
VOLUME /data
EXPOSE 8000
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["/hourbank", "health"]
ENTRYPOINT ["/hourbank"]
CMD ["serve"]
