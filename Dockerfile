# Build a static binary: SQLite is pure Go, so there is no C library to link.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/hourbank . \
 && mkdir -p /out/data

# Nothing but the binary, certificates for Stripe's API, and a user that is not root.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/hourbank /hourbank
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV DATABASE_URL=sqlite:/data/hourbank.db
VOLUME /data
EXPOSE 8000
USER nonroot
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["/hourbank", "health"]
ENTRYPOINT ["/hourbank"]
CMD ["serve"]
