# Benchmarks: `make bench`, or a part of it with ONLY=start, ONLY=transport,store and so on. `make bench BENCH='--help'` lists what else.
BENCH_OUT := artifacts/bench
LOAD_SOURCES := $(addprefix tests/Bench/load/,main.c connection.c http2.c hpack.c watch.c payload.c histogram.c)
ECHO_SOURCES := $(shell find api/Grpc.Core tests/Bench/Servers/Echo daemon/Host/DirectRoutes.cs -type f)
ONLY ?=

$(BENCH_OUT)/load: $(LOAD_SOURCES) tests/Bench/load/load.h
	@mkdir -p $(@D)
	@gcc -std=gnu11 -O2 -Wall -Wextra -Wconversion -Werror -o $@ $(LOAD_SOURCES) -lssl -lcrypto

$(BENCH_OUT)/limits: $(addprefix tests/Bench/load/,limits.c histogram.c payload.c load.h) | native
	@mkdir -p $(@D)
	@gcc -std=gnu11 -O2 -Wall -Wextra -Wconversion -Werror -o $@ $(filter %.c,$^) artifacts/native/libe_sqlite3.a -l:libcrypto.a -lpthread -ldl -lm

$(BENCH_OUT)/echo/echo: $(ECHO_SOURCES) Directory.Build.props Directory.Packages.props
	@dotnet publish tests/Bench/Servers/Echo/Echo.csproj -c Release -r linux-x64 -p:AotFramework=$(AOT_FRAMEWORK) -o $(@D) --nologo -v quiet
	@touch $@

# `make test` compiles them too: no test calls them, so that nothing else would notice when they no longer do.
.PHONY: bench-tools
bench-tools: $(BENCH_OUT)/load $(BENCH_OUT)/limits

.PHONY: bench-build
bench-build: aot bench-tools $(BENCH_OUT)/echo/echo
	@packaging/dependencies bench
	@dotnet build tests/Bench/Bench.csproj -c Release --nologo -v quiet

.PHONY: bench
bench: bench-build ## measure against peers in one run (ONLY=start|transport|store|events|verify|chunks|assets|beside|collect|supervise|soak|growth, BENCH='--output json')
	@artifacts/bin/Bench/release/Auraed.Bench $(if $(ONLY),--only $(ONLY)) $(BENCH)

.PHONY: bench-long
bench-long: bench-build ## the same with more rounds, a database of 5 million records, and 20 minutes of full load
	@artifacts/bin/Bench/release/Auraed.Bench $(if $(ONLY),--only $(ONLY)) --long $(BENCH)
