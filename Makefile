# One command each: `make run` for a look, `make test` before a change is handed on.

SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

RUN_PACKAGES := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
	fontconfig fonts-noto-cjk
# the browser driver of the tests needs libatomic
TEST_PACKAGES := $(RUN_PACKAGES) chromium postgresql poppler-utils libatomic1

CATALOGUES := $(patsubst %.po,%.mo,$(wildcard casefield/translations/*/LC_MESSAGES/*.po))
STATIC := $(shell find casefield/static -type f ! -name '*.br' ! -name '*.gz')
COMPRESSED := .venv/.casefield-compressed

.PHONY: run phone test prove check bench bench-full shots words lock install install-dev clean

run: install
	@exec $(BIN)/casefield serve --with-demo

phone: install
	@exec $(BIN)/casefield phone

# The quick part on every core; browsers and hurt servers alone, as they watch the time.
test: install-dev
	$(BIN)/pytest -n auto -m "not browser and not fault and not prove"
	$(BIN)/pytest -m "(browser or fault) and not prove"

prove: install-dev
	$(BIN)/pytest -m prove

check: install-python-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: install-dev install-bench
	$(BIN)/python -m bench

bench-full: install-dev install-bench
	$(BIN)/python -m bench --full

shots: install-dev
	$(BIN)/python -m tests.shots

# New Chinese words enter the English catalogue, those no longer said leave it.
words: install-python-dev
	@mkdir -p build
	@$(BIN)/pybabel -q extract -F babel.cfg -k _l --no-wrap --no-location \
		--omit-header -o build/words.pot casefield
	@$(BIN)/pybabel -q update -l en -i build/words.pot -d casefield/translations \
		--no-fuzzy-matching --no-wrap --ignore-obsolete --ignore-pot-creation-date
	@$(BIN)/pybabel compile -l en -d casefield/translations --statistics

# Both files pin every package with its hash, for every platform.
lock: install-python-dev
	@test -x $(BIN)/uv || $(BIN)/pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --group build --generate-hashes --universal \
		--python-version 3.11 --no-header -q -o requirements/run.txt
	$(BIN)/uv pip compile pyproject.toml --group build --group dev --generate-hashes \
		--universal --python-version 3.11 --no-header -q -o requirements/dev.txt

install: install-system install-python $(CATALOGUES) $(COMPRESSED)

install-dev: install-system-dev install-python-dev $(CATALOGUES) $(COMPRESSED)

.PHONY: install-system install-system-dev install-bench install-python install-python-dev
install-system:
	@scripts/install-system $(RUN_PACKAGES)

install-system-dev:
	@scripts/install-system $(TEST_PACKAGES)

# the load generator
install-bench:
	@scripts/install-system wrk

install-python:
	@PYTHON=$(PYTHON) scripts/install-python run

install-python-dev:
	@PYTHON=$(PYTHON) scripts/install-python dev

%.mo: %.po | install-python
	@$(BIN)/pybabel -q compile -i $< -o $@

$(COMPRESSED): $(STATIC) | install-python
	@find casefield/static -type f \( -name '*.br' -o -name '*.gz' \) -delete
	@$(BIN)/python -m whitenoise.compress -q casefield/static
	@touch $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find casefield \( -name '*.mo' -o -name '*.br' -o -name '*.gz' \) -delete
