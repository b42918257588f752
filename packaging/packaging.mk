# Installing and packaging; included by the Makefile.
PREFIX  ?= /usr/local
DESTDIR ?=

.PHONY: deb
deb: aot ## a Debian package, artifacts/auraed_VERSION_amd64.deb
	@packaging/deb

.PHONY: install
install: aot ## the binary, unit, manual and completions under PREFIX (DESTDIR=DIR stages)
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' packaging/install install

.PHONY: uninstall
uninstall: ## remove what install put there; keys, configuration and data stay
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' packaging/install uninstall

.PHONY: man
man: artifacts/auraed.8 ## the manual page, artifacts/auraed.8

artifacts/auraed.8: artifacts/auraed
	@artifacts/auraed docs man > $@

.PHONY: completions
completions: aot ## completion scripts of bash, zsh and fish in artifacts/completions
	@mkdir -p artifacts/completions
	@for shell in bash zsh fish; do artifacts/auraed completion $$shell > artifacts/completions/auraed.$$shell; done
