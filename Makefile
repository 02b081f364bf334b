.DEFAULT_GOAL := help
.PHONY: demo test check bench serve lock help

SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
NO_PYTHON := Onethread needs Python 3.11 or newer with venv and pip (on Debian: python3 and python3-venv); none was found, name one with PYTHON=/path/to/python.

demo: .venv/complete ## a small shop, live in this terminal (ARGS='--seconds 20', ARGS=--fast)
	@.venv/bin/onethread demo $(ARGS)

test: .venv/complete ## every test, on real servers, several files at a time (ARGS='tests/domain -k offer': these, one by one)
	@.venv/bin/pytest $(or $(ARGS),--numprocesses auto --dist loadscope --no-loadscope-reorder)

check: .venv/complete ## format, lint, types, architecture
	@.venv/bin/ruff format --check . && .venv/bin/ruff check .
	@.venv/bin/mypy && .venv/bin/pytest --quiet tests/architecture

bench: .venv/complete ## the figures, as a table and a JSON file (ONLY=append runs one)
	@.venv/bin/python -m tests.benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

serve: .venv/complete ## the API and everything behind it
	@.venv/bin/onethread serve $(ARGS)

lock: .venv/complete ## requirements.lock anew, from pyproject.toml
	@.venv/bin/python -m pip install --quiet uv
	@.venv/bin/uv pip compile --quiet --universal --upgrade --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 --extra dev pyproject.toml --output-file requirements.lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/complete: requirements.lock pyproject.toml
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3) none; do $$python -c '$(SUITABLE)' 2>/dev/null && break; done; \
	if [ "$$python" = none ]; then echo '$(NO_PYTHON)' >&2; exit 1; fi; \
	echo "Setting up .venv with $$python (once, about a minute)"; $$python -m venv --clear .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
