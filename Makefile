# The only door: `make help` lists the targets.
# Everything that is made lies under artifacts/ and .local/; nothing else of the tree is touched.
SHELL := /bin/bash
.DELETE_ON_ERROR:
CONFIGURATION ?= Release
AOT_FRAMEWORK ?= net9.0
ROOT          ?= ./.local
export CONFIGURATION
export DOTNET_CLI_TELEMETRY_OPTOUT = 1
export DOTNET_NOLOGO = 1

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: dependencies
dependencies: ## the Debian packages that building takes; says the one command when it may not install
	@packaging/dependencies build

.PHONY: native
native: dependencies ## SQLCipher as a static archive and a shared object (a second run does nothing)
	@$(MAKE) --no-print-directory -s -C packaging/native OUT=$(CURDIR)/artifacts/native

.PHONY: build
build: native ## compile everything for the tests' framework
	@dotnet build tests/Tests.csproj -c $(CONFIGURATION) --nologo -v quiet

# What the binary is made of; `make aot` publishes only when one of them is newer than it.
AOT_SOURCES := $(shell find daemon api pki migrations packaging/native packaging/publish Directory.Build.props Directory.Packages.props global.json -type f)

.PHONY: aot
aot: artifacts/auraed ## publish artifacts/auraed, one file that needs libc and libm alone

artifacts/auraed: $(AOT_SOURCES) | native
	@packaging/publish $(AOT_FRAMEWORK)

.PHONY: run
run: aot ## a working daemon under ./.local (ROOT=DIR), and a first call to it
	@packaging/run-local $(ROOT)

.PHONY: stop
stop: ## end the daemon that `make run` started
	@packaging/stop-local $(ROOT)

.PHONY: test
test: ## install what the tests need, then pass them all
	@packaging/dependencies test
	@$(MAKE) --no-print-directory aot build bench-tools
	@tests/run

.PHONY: test-only
test-only: build ## the tests that FILTER names, as of `dotnet test --filter`; the binary is not published anew
	@tests/run '$(FILTER)'

.PHONY: golden
golden: build ## rewrite the golden files; review the diff
	@AURAE_GOLDEN=write tests/run 'FullyQualifiedName~Golden'

.PHONY: check
check: ## what CI runs
	@.ci/run

.PHONY: clean
clean: ## remove everything that was made
	rm -rf artifacts

-include packaging/packaging.mk migrations/migrations.mk tests/Bench/bench.mk
