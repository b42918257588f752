.PHONY: migration
migration: ## write the next migration from the messages (NAME=what_changed)
	@test -n "$(NAME)" || { echo 'error: a migration has a name'; echo 'hint: make migration NAME=what_changed'; exit 2; }
	@dotnet build migrations/Compiler/Compiler.csproj -c $(CONFIGURATION) --nologo -v quiet
	@dotnet artifacts/bin/Compiler/$$(echo $(CONFIGURATION) | tr A-Z a-z)/schema-compiler.dll api migrations '$(NAME)'

.PHONY: upgrade-file
upgrade-file: build ## write the database of the present data version that later versions are tested with
	@AURAE_UPGRADE=write tests/run 'FullyQualifiedName~UpgradeTests.The_present_data_version_has_a_file'
