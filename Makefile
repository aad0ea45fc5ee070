# make help lists what there is. CI runs the same targets.
GOLANGCI_LINT_VERSION := v2.15.0
NILAWAY_VERSION := v0.0.0-20260918162853-acb8859b9031
AXE_VERSION := 4.14.1
BIN := $(CURDIR)/.bin

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

.PHONY: build
build: ## build ./hourbank, a static binary
	CGO_ENABLED=0 go build -trimpath -o hourbank .

.PHONY: generated
generated: ## pages for man, and completion, as packages have them, into dist-generated/
	rm -rf dist-generated && mkdir -p dist-generated/man dist-generated/completion
	go build -o dist-generated/hourbank $(RELEASE) .
	dist-generated/hourbank man dist-generated/man
	dist-generated/hourbank completion bash >dist-generated/completion/hourbank.bash
	dist-generated/hourbank completion zsh >dist-generated/completion/_hourbank
	dist-generated/hourbank completion fish >dist-generated/completion/hourbank.fish

# What the pages say of the version, where git knows it.
RELEASE = -ldflags "-X hourbank/version.number=$(shell git describe --tags --always 2>/dev/null) -X hourbank/version.date=$(shell git show -s --format=%cI 2>/dev/null)"

GORELEASER_VERSION := v2.15.0
.PHONY: release-check snapshot release
release-check: $(BIN)/goreleaser-$(GORELEASER_VERSION) ## what goreleaser says of .goreleaser.yaml
	IMAGE=hourbank $< check

snapshot: $(BIN)/goreleaser-$(GORELEASER_VERSION) ## all of a release but publishing it, into dist/ (needs syft)
	IMAGE=hourbank $< release --snapshot --clean --skip=docker

release: $(BIN)/goreleaser-$(GORELEASER_VERSION) ## the release of the tag that is checked out (needs syft, docker, and IMAGE)
	$< release --clean

$(BIN)/goreleaser-$(GORELEASER_VERSION):
	GOBIN=$(BIN) go install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)
	mv $(BIN)/goreleaser $@

.PHONY: test
test: axe ## every behaviour on both engines (the README's test command)
	go test -timeout 20m ./...

.PHONY: axe
axe: $(BIN)/axe-core-$(AXE_VERSION)/axe.min.js ## axe-core, which finds what is not accessible on the console's pages (npm)

$(BIN)/axe-core-$(AXE_VERSION)/axe.min.js:
	rm -rf $(BIN)/axe-core-* # the tests take the one that is there
	mkdir -p $(@D)
	npm pack --silent --pack-destination $(@D) axe-core@$(AXE_VERSION)
	tar -xzf $(@D)/axe-core-$(AXE_VERSION).tgz -C $(@D) --strip-components 1 -m

.PHONY: validators
validators: ## what the files of deploy/ are held to (Go's proxy)
	cd tests/deploy/testdata/validators && go mod download

STRIPE_NODE_VERSION := 23.1.0
STRIPE_NODE_2022_VERSION := 8.222.0
.PHONY: clients
clients: $(BIN)/stripe-node/$(STRIPE_NODE_VERSION) $(BIN)/stripe-node-2022/$(STRIPE_NODE_2022_VERSION) ## Stripe's clients that the sandbox is tried with (npm, Go's proxy)
	cd sandbox/testdata/clients/go && go mod download

$(BIN)/stripe-node/% $(BIN)/stripe-node-2022/%:
	npm install --silent --no-save --prefix $(@D) stripe@$(@F)
	touch $@

.PHONY: promtool
promtool: $(BIN)/prometheus/promtool ## Prometheus's checker, for the alerts' tests (apt, without its service)

# The package would start a server of its own: only what checks is taken out.
$(BIN)/prometheus/promtool:
	mkdir -p $(@D)
	cd $(@D) && apt-get download -q prometheus
	cd $(@D) && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x --strip-components 3 ./usr/bin/promtool
	rm $(@D)/prometheus_*.deb

# What is one after another by its nature: pages in a browser, stories, tables
# of events and refusals. The faults run the program in a process of its own.
UNRACED := Console|Till|InFrontOf|Clock|TheExampleReceivers|TestMoney$$|WebhookTool|OfEveryType|EveryList|EveryMethod|EveryRefusal|HostileEvents|ListsRefuse|BodyThatIsNot|Statement|Export|Migrat
.PHONY: race
race: ## the tests under the race detector, one package at a time: it is slow enough
	go build -race ./... # with all cores
	go test -race -short -vet=off -p 1 -timeout 30m -skip '$(UNRACED)' $$(go list ./... | grep -v -e /tests/faults -e /tests/restore -e /tests/runbooks -e /tests/deploy -e /tests/law/telling)

.PHONY: format
format: ## fail where gofmt would change something
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: lint
lint: $(BIN)/golangci-lint-$(GOLANGCI_LINT_VERSION) ## golangci-lint, with security rules
	$< run ./...

$(BIN)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(BIN)/golangci-lint $@

.PHONY: nilaway
nilaway: $(BIN)/nilaway-$(NILAWAY_VERSION) ## no nil can reach where it would panic
	$< -include-pkgs=hourbank -test=false ./...

$(BIN)/nilaway-$(NILAWAY_VERSION):
	GOBIN=$(BIN) go install go.uber.org/nilaway/cmd/nilaway@$(NILAWAY_VERSION)
	mv $(BIN)/nilaway $@

.PHONY: vulnerabilities
vulnerabilities: ## known ones of what we import: asks vuln.go.dev, or VULNDB=file:///… (so not in CI)
	go run golang.org/x/vuln/cmd/govulncheck@latest $(if $(VULNDB),-db $(VULNDB)) ./...

.PHONY: upgrade
upgrade: ## the newest minor version of each direct dependency, and what that needs; then the tests
	go get $$(go list -m -f '{{if not (or .Main .Indirect)}}{{.Path}}@upgrade{{end}}' all)
	go mod tidy
	go vet ./...
	go test -timeout 20m ./...

.PHONY: reproducible
reproducible: ## two builds of this commit in two folders are the same, byte for byte
	HOURBANK_REPRODUCIBLE=1 go test -count=1 -v -run TestTwoBuildsAreTheSame ./tests/deploy

FUZZTIME ?= 10m
.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (10m)
	@for package in ./services/paging ./services/sales ./services/stripe; do \
		targets=$$(go test -list '^Fuzz' $$package | grep ^Fuzz) || exit 1; \
		for target in $$targets; do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -parallel 2 $$package || exit 1; \
		done; \
	done

CORE := $(addprefix models/money/,hours.go evidence.go join.go derive.go payments.go returns.go cases.go moves.go) \
	models/invoicing/lines.go models/purchase.go models/ledger.go
BATCH := services/ingest/apply.go services/ingest/batch.go services/ingest/batch_write.go services/ingest/book.go \
	services/casebook/casebook.go services/ingest/catalogue.go services/ingest/rebuild.go services/ingest/hours_off.go $(wildcard services/ingest/statements/*.go) services/ledger/ledger.go \
	database/rows.go

# To build takes longest.
QUICKLY := go test -vet=off -gcflags=-N -ldflags=-w
.PHONY: mutation
mutation: ## break the core, then 60 places of the batch, one at a time; list what no test notices (two hours)
	go run ./tests/mutation -want 92 \
		-test "$(QUICKLY) ./models/money -rapid.nofailfile" \
		-test "$(QUICKLY) ./models ./models/invoicing -rapid.nofailfile" \
		-test "$(QUICKLY) -short -run TestLaw ./services/ingest" $(CORE)
	go run ./tests/mutation -sample 60 -test "go test ./tests -run /sqlite -skip Console|Till" $(BATCH)

.PHONY: screenshots
screenshots: axe ## take the pictures of docs/screenshots again
	SCREENSHOTS=docs/screenshots go test -count=1 -run TestEveryConsolePageLooksGood ./tests

.PHONY: bench
bench: ## hourbank bench on both engines, beside pgbench; rewrites docs/performance.md (5 minutes)
	HOURBANK_MEASURE=bench go test -count=1 -v -timeout 60m -run TestBench ./tests/measure

.PHONY: bench-exports
bench-exports: ## a million ledger entries as CSV; rewrites docs/performance.md (5 minutes)
	HOURBANK_MEASURE=exports go test -count=1 -v -timeout 60m -run TestExports ./tests/measure

.PHONY: bench-lists
bench-lists: ## every list at a million purchases; rewrites docs/performance.md (5 minutes)
	HOURBANK_MEASURE=lists go test -count=1 -v -timeout 60m -run TestLists ./tests/measure

.PHONY: bench-growth
bench-growth: ## the load at ten million stored events; rewrites docs/performance.md (10 minutes, 10 GB)
	HOURBANK_MEASURE=growth go test -count=1 -v -timeout 90m -run TestGrowth ./tests/measure

.PHONY: bench-parked
bench-parked: ## the load beside a million parked events; rewrites docs/performance.md (5 minutes)
	HOURBANK_MEASURE=parked go test -count=1 -v -timeout 60m -run TestParked ./tests/measure

.PHONY: bench-bookings
bench-bookings: ## lessons booked at once, and after thousands; rewrites docs/performance.md (3 minutes)
	HOURBANK_MEASURE=bookings go test -count=1 -v -timeout 60m -run TestBookings ./tests/measure

.PHONY: bench-deliveries
bench-deliveries: ## a million events for EVENTS_URLS, sent; rewrites docs/performance.md (15 minutes)
	HOURBANK_MEASURE=deliveries go test -count=1 -v -timeout 300m -run TestDeliveries ./tests/measure

.PHONY: soak soak-law soak-requests soak-faults soak-restore
soak: soak-law soak-requests soak-faults soak-restore ## the long forms of the tests, one after another (three hours)

soak-law: ## the law over a million histories (an hour)
	HOURBANK_LAW_HISTORIES=1000000 go test -count=1 -timeout 120m -run Law ./...

soak-requests: ## 10,000 generated requests
	go test -count=1 -timeout 60m -run TestGenerated ./tests -rapid.checks=10000

soak-faults: ## kills, cut networks, failovers and two releases side by side, up to 200 rounds each
	HOURBANK_FAULT_ROUNDS=200 go test -count=1 -v -timeout 120m ./tests/faults

soak-restore: ## the drill of a restore, three times, each with more
	HOURBANK_RESTORE_ROUNDS=3 go test -count=1 -v -timeout 60m ./tests/restore
