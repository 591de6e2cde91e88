# Every way into the project. `make` alone says what there is.

.DEFAULT_GOAL := help
.PHONY: help run test lint fmt proto bench docs

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build a release and start everything in one process (ARGS="--listen …" for flags)
	@scripts/run $(ARGS)

test: ## install what is missing, then run every test of every kind
	@scripts/test

lint: ## formatting, clippy and the rules of the .proto files
	@scripts/lint

fmt: ## format the code
	cargo fmt --all
	rustfmt --edition 2024 user-svc/src/store/queries/*.rs

proto: ## make the committed code from the .proto files again
	UPDATE_GENERATED=1 cargo test --workspace --test generated

bench: ## benchmarks of the engine
	cargo bench --package rules --bench engine

docs: ## documentation of every public item, in target/doc
	cargo doc --workspace --no-deps
