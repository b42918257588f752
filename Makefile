# The only door. `make help` lists the targets.
CONFIGURATION ?= Release
AOT_FRAMEWORK ?= net9.0

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: native
native: ## SQLCipher as a static archive and a shared object (a second run does nothing)
	@$(MAKE) --no-print-directory -C packaging/native OUT=$(CURDIR)/artifacts/native

.PHONY: build
build: native ## compile everything for the tests' framework
	dotnet build tests/Tests.csproj -c $(CONFIGURATION) --nologo -v quiet

.PHONY: aot
aot: native ## publish artifacts/auraed, one file
	dotnet publish daemon/Auraed.csproj -c Release -f $(AOT_FRAMEWORK) -p:AotFramework=$(AOT_FRAMEWORK) -r linux-x64 -o artifacts/publish --nologo -v quiet
	@cp artifacts/publish/auraed artifacts/auraed
	@ls -lh artifacts/auraed | awk '{print "artifacts/auraed " $$5}'

.PHONY: test
test: build ## install what the tests need, then pass them all
	dotnet test tests/Tests.csproj -c $(CONFIGURATION) --no-build --nologo
