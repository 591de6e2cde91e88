# Every way into the project. `make` alone says what there is.

.DEFAULT_GOAL := help
TARGET ?= compose

.PHONY: help run up down deploy test lint fmt proto bench docs

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build a release and start everything in one process (ARGS="--listen …" for flags)
	@scripts/run $(ARGS)

up: ## start a small cluster on this machine (ARGS="--set battle-svc.tick-ms=500", PROFILE=dev, RUN_DIR=…)
	@scripts/up $(ARGS)

down: ## end the cluster of `make up`
	@scripts/down $(ARGS)

deploy: ## replace every program of a cluster while it is played on (TARGET=local: that of `make up`)
	@TARGET=$(TARGET) scripts/deploy $(ARGS)

test: ## install what is missing, then run every test of every kind
	@scripts/test

lint: ## formatting, clippy, the rules of the .proto files, and our Python
	@scripts/lint

fmt: ## format the code
	cargo fmt --all
	rustfmt --edition 2024 user-svc/src/store/queries/*.rs
	@if [ -x .venv/bin/ruff ]; then .venv/bin/ruff format deploy e2e/python; fi

proto: ## make the committed code from the .proto files again
	UPDATE_GENERATED=1 cargo test --workspace --test generated

bench: ## benchmarks of the engine
	cargo bench --package rules --bench engine

docs: ## documentation of every public item, in target/doc
	cargo doc --workspace --no-deps
