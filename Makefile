# Everything a developer or a newcomer runs. `make` alone lists it. Each target does its own set-up.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Which store `make crash` and `make fhir-door` work on, and how often it kills the gateway.
STORE ?= sqlite
ROUNDS ?= 20
# Seconds per fuzz target.
SECONDS_EACH ?= 60
# Flags of the script behind a target, such as --quick for `make bench-fhir`.
FLAGS ?=
# `make demo ONCE=1` plays the story, checks it and ends.
ONCE ?=

LOOPGATE := target/release/loopgate
LOAD := target/load/release/loopgate-load
# Starts a PostgreSQL server for the rest of the recipe line, and stops it at its end.
WITH_POSTGRES := .ci/need psql postgresql; settings=$$(tests/support/postgres.sh); eval "$$settings"; trap 'tests/support/postgres.sh stop >/dev/null' EXIT

.PHONY: help build demo test interop fhir-door fidelity oracle crash bench bench-fhir bench-map corpus fuzz doc deny hashes load-client tools python

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: tools ## Build the gateway (target/release/loopgate)
	@cargo build --release

demo: build ## Play one referral over real sockets and stay up; ONCE=1 checks it and ends
	@$(LOOPGATE) demo $(if $(filter 1,$(ONCE)),--once,)

test: tools ## Format, lints, and all tests on SQLite and PostgreSQL
	@cargo fmt --check
	@cargo clippy --all-targets -- -D warnings
	@cargo clippy --manifest-path benches/load/Cargo.toml --target-dir target/load --all-targets -- -D warnings
	@$(WITH_POSTGRES); \
	if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --no-fail-fast; else cargo test --no-fail-fast; fi
	@cargo test --quiet --manifest-path benches/load/Cargo.toml --target-dir target/load

interop: build ## Have libraries of other people exchange HL7 messages with the gateway and work with its FHIR door
	@tests/interop/run $(LOOPGATE)

fhir-door: build python ## Examples and Synthea bundles in, found again; bad input and schemathesis refused: STORE=sqlite|postgres
	@if [ "$(STORE)" = postgres ]; then \
		$(WITH_POSTGRES); tests/fhir-door/run $(LOOPGATE) postgres; \
	else \
		tests/fhir-door/run $(LOOPGATE); \
	fi

fidelity: build ## Have independent validators (PyPI pyrofile-validator, fhirkit-rs) judge what the maps make, and ours
	@tests/fidelity/run $(LOOPGATE)

oracle: tools ## Compare our FHIR XML with what fhirbolt reads and writes, over the official examples beside the checkout
	@tests/oracle/run

crash: build load-client ## Kill the gateway under load and check what it promised: ROUNDS=n STORE=sqlite|postgres
	@if [ "$(STORE)" = postgres ]; then \
		$(WITH_POSTGRES); \
		$(LOAD) crash --gateway $(LOOPGATE) --rounds $(ROUNDS) --store postgres --database "$$(benches/fresh-database crash)"; \
	else \
		$(LOAD) crash --gateway $(LOOPGATE) --rounds $(ROUNDS) --store sqlite; \
	fi

bench: build load-client python ## Measure: acknowledged and concluded messages a second, latencies, CPU, memory, start time
	@$(WITH_POSTGRES); benches/run.py --gateway $(LOOPGATE) --load $(LOAD)

bench-fhir: build python ## Measure the FHIR door with wrk, up to a million resources, both stores; FLAGS=--quick for a short run
	@.ci/need wrk wrk
	@$(WITH_POSTGRES); benches/fhir/run.py --gateway $(LOOPGATE) $(FLAGS)

bench-map: ## Measure mapping alone: messages a second of processor time on one core, and time for each byte up to 16 MB
	@cargo bench --bench mapping

corpus: build python ## Send all messages of the shared corpus through a running gateway (skips loudly without it)
	@tests/corpus/run.py --gateway $(LOOPGATE) --corpus ../shared/data/messages --report target/corpus/report.md

fuzz: ## Fuzz each target for SECONDS_EACH seconds (needs a nightly toolchain and cargo-fuzz)
	@cargo +nightly fuzz --version >/dev/null 2>&1 || { \
		echo "make fuzz needs: rustup toolchain install nightly && cargo install cargo-fuzz" >&2; exit 1; }
	@for target in $$(cargo +nightly fuzz list); do \
		cargo +nightly fuzz run $$target -- -max_total_time=$(SECONDS_EACH); \
	done

doc: ## Build the documentation of the code; a broken link fails
	@RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

deny: ## Check licences, advisories and banned crates
	@cargo deny --version >/dev/null 2>&1 || { \
		echo "make deny needs: cargo install --locked cargo-deny" >&2; exit 1; }
	@cargo deny check

hashes: ## Note the migrations as shipped (after adding one, never after editing one)
	@sha256sum migrations/*/*.sql > migrations/HASHES

load-client:
	@cargo build --quiet --release --manifest-path benches/load/Cargo.toml --target-dir target/load

tools:
	@.ci/need cargo rustc
	@.ci/need cc gcc
	@cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

python:
	@.ci/need python3 python3
