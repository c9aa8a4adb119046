# `make` alone lists the targets.

GO          ?= go
RUNS        ?= 100000
BENCH       ?= .
ARGS        ?=
SEEDS       ?= 1000
SEED        ?= 1
STEPS       ?= 20000
DURATION    ?= 60s
CHROMIUM    ?= chromium
# The release before this commit, also where this commit is one itself.
FROM        ?= $(shell git describe --tags --abbrev=0 HEAD^ 2>/dev/null || grep -v '^\#' upgrade_from.txt)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

# The adapters are modules of their own, so that nobody gets the libraries that they adapt but who uses them.
NESTED := $(dir $(wildcard client/*/go.mod bench/*/go.mod))
# $(call nested,COMMAND) runs a command in each of them, and ends at the first failure.
nested = @for dir in $(NESTED); do echo "$$dir: $(1)"; (cd $$dir && $(1)) || exit 1; done

.DEFAULT_GOAL := help
.PHONY: help check format vet modules vuln lint imports cross race test splits replay fuzz bench-micro bench bin/peers figures page chaos chaos-ci chaos-mutants upgrade-test cover build console-packages console-test demo clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: format vet modules lint imports cross race ## all that a change must pass; the race detector needs a C compiler

format: ## list files that gofmt would change, and fail if there are any
	@files=$$(gofmt -l .) && if [ -n "$$files" ]; then echo "gofmt -w these:"; echo "$$files"; exit 1; fi

vet: ## go vet
	$(GO) vet ./...
	$(call nested,$(GO) vet ./...)

modules: ## compare the downloaded modules with go.sum
	$(GO) mod verify
	$(call nested,$(GO) mod verify)

vuln: ## look for known vulnerabilities in what is called; needs the Go vulnerability database, https://vuln.go.dev
	$(GO) run $(GOVULNCHECK) ./...
	$(call nested,$(GO) run $(GOVULNCHECK) ./...)

lint: ## staticcheck, as staticcheck.conf says; the first run downloads it
	$(GO) run $(STATICCHECK) ./...
	$(call nested,$(GO) run $(STATICCHECK) ./...)

imports: ## hold the packages to the diagram in imports_test.go
	$(GO) test .

cross: ## build for the other operating systems
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) build ./...
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 $(GO) build ./...

race: ## all tests under the race detector
	$(GO) test -race -timeout 15m ./...
	$(call nested,$(GO) test -race -timeout 5m ./...)

test: ## all tests; needs only Go, under three minutes on two cores
	$(GO) test -timeout 3m ./...
	$(call nested,$(GO) test -timeout 1m ./...)

splits: ## whole nodes through splits of every kind, hours of virtual time
	NODE_SPLITS=long $(GO) test ./node -run '^TestSplits$$' -v -timeout 60m

replay: ## the protocol under a seeded scheduler: SEEDS=1000 seeds of STEPS=20000 steps, the first SEED=1
	$(GO) test ./failover -run '^TestReplay$$' -count 1 -timeout 0 -v \
		-replay.seeds $(SEEDS) -replay.steps $(STEPS) -replay.first $(SEED)

# A number of inputs, not a time: when that ends, Go before 1.27 now and then fails a target that found nothing (golang/go#75804).
fuzz: ## every fuzz target in turn, each with RUNS=100000 inputs
	@list=$$($(GO) test -list '^Fuzz' ./...) || { echo "$$list"; exit 1; }; \
	echo "$$list" | awk '/^Fuzz/ { name[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, name[i]; n = 0 }' | \
	while read -r package name; do \
		echo "$$package $$name"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(RUNS)x -fuzzminimizetime 5s "$$package" </dev/null || exit 1; \
	done

bench-micro: ## Go benchmarks of the packages, those that match BENCH=.
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

bin/peers: build
	cd bench/peers && $(GO) build -trimpath -o ../../bin/peers .

bench: bin/peers ## measure beside Redis, Olric and Tomcat, about 50 minutes; ARGS='-quick -only redis' or the like, ARGS=-h for help
	bin/peers -out bin/bench.json $(ARGS)

figures: bin/peers ## measure the same and every scenario, about an hour on an idle machine, and write docs/BENCHMARKS.md
	bin/peers -out bin/bench.json $(ARGS)
	bin/sessnode bench all -out bin/figures.json
	$(MAKE) page

page: bin/peers ## docs/BENCHMARKS.md and its charts from bin/bench.json and bin/figures.json
	bin/peers page docs bin/bench.json bin/figures.json

chaos: build ## break real nodes for DURATION=60s with the faults of SEED=1 and judge what clients saw; ARGS=-nodes 7 or the like
	bin/sessnode chaos run -duration $(DURATION) -seed $(SEED) $(ARGS)

chaos-ci: build ## the same within a minute: 40 s of load on 3 nodes, results in bin/chaos
	bin/sessnode chaos run -nodes 3 -duration 40s -seed $(SEED) -out bin/chaos $(ARGS)

chaos-mutants: ## take one rule of the protocol out at a time: the replay must find each; LAB=1: real processes, those that have faults for it
	$(GO) run ./chaos/mutants $(if $(LAB),-lab) $(ARGS)

upgrade-test: build ## replace nodes of FROM=REV, the last release, by today's under load, one at a time, and one back: no request may fail
	@if ! git cat-file -e '$(FROM)^{commit}' 2>/dev/null; then \
		echo "$(FROM) is not in this clone: get it with git fetch --unshallow --tags"; \
		[ '$(origin FROM)' = file ] && echo "skipped: make upgrade-test"; exit; \
	fi; \
	dir=$$(mktemp -d) && trap 'git worktree remove --force "$$dir/tree"; rm -rf "$$dir"' EXIT && \
	git worktree add --detach "$$dir/tree" $(FROM) && \
	(cd "$$dir/tree" && CGO_ENABLED=0 $(GO) build -o "$$dir/sessnode" ./cmd/sessnode) && \
	bin/sessnode bench rolling -from "$$dir/sessnode" -check

cover: ## test coverage across packages; details in cover.out
	$(GO) test -timeout 10m -coverprofile cover.out -coverpkg ./... ./...
	$(GO) tool cover -func cover.out | tail -n 1

build: ## the static binary bin/sessnode
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/sessnode ./cmd/sessnode

console-packages: # what npm has to give for the console's test, from its cache if it is there
	npm ci --prefix admin/browser --no-audit --no-fund --prefer-offline

console-test: build ## the console in headless Chromium over three nodes, pictures in bin/console; installs Chromium (apt-get, root) and playwright-core (npm)
	@command -v node npm >/dev/null || { echo "node and npm are needed: apt-get install nodejs npm"; exit 1; }
	@command -v $(CHROMIUM) >/dev/null || { apt-get update && apt-get install -y --no-install-recommends chromium; }
	$(MAKE) console-packages
	CHROMIUM=$$(command -v $(CHROMIUM)) node --test --test-reporter spec admin/browser/console.test.mjs

demo: build ## bin/sessnode demo with ARGS=-once or the like
	bin/sessnode demo $(ARGS)

clean: ## remove what the targets above left
	rm -rf bin cover.out
