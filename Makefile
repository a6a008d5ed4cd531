# Everything that a newcomer can do with this repository; `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed

# Long runs against faults; each tells what it promises, and those that keep results go on where they were.
SOAK := thousand_workers ray_kills database_faults database_restart fault_injection gigabyte soak soak_training preemption interruptions \
	hostile_neighbours hostile_database differential

# What compares the search with its peers, and goes on where it was; public_packages takes a folder of packages.
SEARCH := search_functions search_training search_replay parallel_loss
APART := $(SOAK) $(SEARCH) importance_by_ax public_packages

.PHONY: help install run test check format bench bench-long bench-search soak dashboard site clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Set everything up in .venv; does nothing when nothing has changed

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3.11 install"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[postgresql,mysql,parquet,dashboard,kubernetes,ray,slurm,test,dev]'
	@touch $@

run: install ## Tune scikit-learn's digits with two workers: a minute and a half; leaves runs/digits
	$(BIN)/tuner run digits --workers 2

test: install ## Run the tests, with warnings as errors and a floor for the coverage
	$(BIN)/pytest -n 2 --dist worksteal --whole-suite --cov --cov-report=term

check: install ## Format, lint, types, import arrows, unused dependencies, dead code: seconds
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry .
	$(BIN)/vulture

format: install ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The shorter ones; `make bench-long` runs the others too.
BENCH_SHORT := facts_cost fashion_throughput fault_injection ledger_cost trial_overhead

bench: install ## Measure what the tuner costs: the shorter benchmarks; many minutes on a busy machine
	@for name in $(BENCH_SHORT); do $(MAKE) --no-print-directory one-bench FILE=tests/benchmarks/$$name.py || exit 1; done

bench-long: install ## Measure all that the documents promise; hours
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@for file in $(filter-out $(APART:%=tests/benchmarks/%.py),$(shell grep -l '__main__' tests/benchmarks/*.py)); do \
		$(MAKE) --no-print-directory one-bench FILE=$$file || exit 1; done

bench-search: install ## Compare the search with its peers: days, and goes on where it was, into build/bench
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@mkdir -p build/bench
	@for name in $(SEARCH); do \
		echo "## $$name"; PYTHONPATH=. $(BIN)/python -W ignore -m tests.benchmarks.$$name build/bench/$$name.jsonl || exit 1; done

one-bench:
	@echo "## $(FILE)"; PYTHONPATH=. $(BIN)/python -W ignore $(FILE)

soak: install ## Let databases, workers and networks fail for hours; takes root and Debian's packages
	@for need in pgbouncer:pgbouncer iptables:iptables ip:iproute2 mariadbd:mariadb-server; do \
		command -v $${need%%:*} >/dev/null || { apt-get update -qq && apt-get install -y -qq $${need##*:}; } || exit 1; done
	@for name in $(SOAK); do echo "## $$name"; $(BIN)/python -W ignore -m tests.benchmarks.$$name || exit 1; done

site: install ## Build the documents as a site, without a network, into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file .ci/mkdocs.yml

dashboard: install ## Look at the studies of tuner.db in a browser
	$(BIN)/tuner dashboard --open

clean: ## Remove the environment and everything that was made
	rm -rf .venv build dist *.egg-info .*_cache .hypothesis .coverage* runs tuner.db*
