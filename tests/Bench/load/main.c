#define _GNU_SOURCE
#include "load.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

Options options = { .connections = 1, .streams = 1, .seconds = 2, .warmup_seconds = 0.5, .stall_seconds = 10,
                    .endpoint.server_name = "server.unsafe.aurae.io" };
Run run;
uint64_t now_ns;

static const char help[] =
    "usage: load (--unix PATH | --tcp HOST:PORT) --path /package.Service/Method [options]\n"
    "\n"
    "Sends unary gRPC calls in a closed loop over HTTP/2 and prints one line of JSON. A failed call is counted apart, never as\n"
    "an answer. Exit code: 0 all calls answered with status 0, 3 some failed, 1 the run could not be made, 2 wrong usage.\n"
    "\n"
    "  --unix PATH            the server's Unix socket\n"
    "  --tcp HOST:PORT        the server's TCP address\n"
    "  --ca FILE              use TLS and trust this authority; --cert FILE --key FILE: the client's own\n"
    "  --server-name NAME     the name asked for and checked in TLS (server.unsafe.aurae.io)\n"
    "  --path PATH            the method, e.g. /aurae.discovery.v0.DiscoveryService/Discover\n"
    "  --authority NAME       :authority (localhost)\n"
    "  --header NAME=VALUE    one more request header, up to 8\n"
    "  --body TEMPLATE        the message in hexadecimal, with parts that change per call in braces; empty by default:\n"
    "                           {counter} 12 digits   {counter:COUNT} one of COUNT numbers from --first on\n"
    "                           {name} 32 hex digits derived from number and seed   {name:COUNT} one of COUNT such names\n"
    "                           {time-id} UUIDv7, 36 characters   {random:N} N bytes   {text:N} N lower-case letters\n"
    "  --body-file FILE       the same, read from a file\n"
    "  --first N              the number of the first call (0)\n"
    "  --seed N               for {name}, {random} and the picks (1)\n"
    "  --streams N            concurrent streams in all (1)\n"
    "  --connections N        spread over so many connections (1)\n"
    "                           {clock} a mark with the time of sending, 20 characters, that watches look for\n"
    "  --rate N               calls per second in all, evenly; without it as many as are answered\n"
    "  --watchers N           so many server streams beside, each on its own connection; calls begin when all have heard from the server\n"
    "  --watch-path PATH      their method, --watch-body TEMPLATE its one request, --watch-open: the request stream is left open\n"
    "  --seconds S            measured time (2); --warmup S before it (0.5), --stall S without an answer ends the run (10)\n"
    "  --requests N           instead: exactly N calls, all measured, no warm-up\n"
    "  --pid PID              report the CPU time of this server process over the measured time, its threads included\n";

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

uint64_t clock_read(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

bool run_may_issue(void)
{
    if (run.stopping || run.watching < options.watchers || (options.requests_max && run.issued >= options.requests_max))
        return false;
    if (options.rate <= 0)
        return true;
    if (!run.paced_from_ns)
        run.paced_from_ns = now_ns;
    return (double)run.paced <= (double)(now_ns - run.paced_from_ns) / 1e9 * options.rate;
}

void run_answered(int outcome, uint64_t latency_ns, const char *message)
{
    run.outcomes[outcome]++;
    if (outcome == 0) {
        run.answered++;
        histogram_add(&run.latency, latency_ns);
        return;
    }
    run.failed++;
    if (!run.first_error[0])
        snprintf(run.first_error, sizeof run.first_error, "%s", message);
}

static double own_cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

// All threads, in ticks of 10 ms: good for runs of a second and more.
static double server_cpu_seconds(void)
{
    char path[64], line[512];
    if (!options.server_pid)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", options.server_pid);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof line, file))
        fail("%s cannot be read: the server has gone", path);
    fclose(file);
    unsigned long user = 0, system = 0;
    char *after_name = strrchr(line, ')');
    if (!after_name || sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        fail("%s is not as expected", path);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void read_body_file(const char *path)
{
    static char text[4 * BODY_BYTES_MAX];
    FILE *file = fopen(path, "r");
    if (!file)
        fail("%s cannot be read", path);
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    while (length && (text[length - 1] == '\n' || text[length - 1] == ' '))
        length--;
    text[length] = 0;
    const char *wrong = payload_parse(&options.payload, text);
    if (wrong)
        fail("%s: %s", path, wrong);
}

static void add_header(char *text)
{
    char *value = strchr(text, '=');
    if (!value || options.extra_count == EXTRA_HEADERS_MAX || strlen(text) > 256)
        fail("--header takes NAME=VALUE of at most 256 bytes, 8 times");
    *value++ = 0;
    options.extra_name[options.extra_count] = text;
    options.extra_value[options.extra_count++] = value;
}

static void parse_address(char *text)
{
    char *port = strrchr(text, ':');
    if (!port)
        fail("--tcp takes HOST:PORT");
    *port++ = 0;
    options.endpoint.host = text;
    options.endpoint.port = port;
}

static uint64_t parse_number(const char *value)
{
    char *end;
    uint64_t number = strtoull(value, &end, 10);
    if (*end || *value < '0' || *value > '9')
        fail("'%s' is not a whole number", value);
    return number;
}

static void parse_option(int option, char *value)
{
    const char *wrong = NULL;
    switch (option) {
    case 'u': options.endpoint.unix_path = value; break;
    case 't': parse_address(value); break;
    case 'a': options.endpoint.authority_file = value; break;
    case 'c': options.endpoint.certificate = value; break;
    case 'k': options.endpoint.key = value; break;
    case 'N': options.endpoint.server_name = value; break;
    case 'p': options.path = value; break;
    case 'A': options.authority = value; break;
    case 'H': add_header(value); break;
    case 'b': wrong = payload_parse(&options.payload, value); break;
    case 'B': read_body_file(value); break;
    case 'f': options.first = parse_number(value); break;
    case 'S': options.payload.seed = parse_number(value); break;
    case 's': options.streams = atoi(value); break;
    case 'C': options.connections = atoi(value); break;
    case 'd': options.seconds = atof(value); break;
    case 'w': options.warmup_seconds = atof(value); break;
    case 'x': options.stall_seconds = atof(value); break;
    case 'n': options.requests_max = parse_number(value); break;
    case 'P': options.server_pid = atoi(value); break;
    case 'r': options.rate = atof(value); break;
    case 'W': options.watchers = atoi(value); break;
    case 'M': options.watch_path = value; break;
    case 'O': wrong = payload_parse(&options.watch_payload, value); break;
    case 'o': options.watch_is_open = true; break;
    case 'h': fputs(help, stdout); exit(0);
    default: exit(2);
    }
    if (wrong)
        fail("--body: %s", wrong);
}

static void parse_options(int count, char **arguments)
{
    static const struct option names[] = {
        { "unix", 1, 0, 'u' }, { "tcp", 1, 0, 't' }, { "ca", 1, 0, 'a' }, { "cert", 1, 0, 'c' }, { "key", 1, 0, 'k' },
        { "server-name", 1, 0, 'N' }, { "path", 1, 0, 'p' }, { "authority", 1, 0, 'A' }, { "header", 1, 0, 'H' },
        { "body", 1, 0, 'b' }, { "body-file", 1, 0, 'B' }, { "first", 1, 0, 'f' }, { "seed", 1, 0, 'S' },
        { "streams", 1, 0, 's' }, { "connections", 1, 0, 'C' }, { "seconds", 1, 0, 'd' }, { "warmup", 1, 0, 'w' },
        { "stall", 1, 0, 'x' }, { "requests", 1, 0, 'n' }, { "pid", 1, 0, 'P' },
        { "rate", 1, 0, 'r' }, { "watchers", 1, 0, 'W' }, { "watch-path", 1, 0, 'M' }, { "watch-body", 1, 0, 'O' }, { "watch-open", 0, 0, 'o' }, { "help", 0, 0, 'h' }, { 0 },
    };
    options.authority = "localhost";
    options.payload.seed = 1;
    for (int option; (option = getopt_long(count, arguments, "h", names, NULL)) != -1;)
        parse_option(option, optarg);
    if (!options.path || !(options.endpoint.unix_path || options.endpoint.host) || strlen(options.path) > 512) {
        fputs(help, stderr);
        exit(2);
    }
    if (options.connections < 1 || options.connections > CONNECTIONS_MAX || options.streams < options.connections || options.streams > STREAMS_MAX)
        fail("--connections is 1 to %d, --streams from that to %d", CONNECTIONS_MAX, STREAMS_MAX);
    if (options.watchers < 0 || options.watchers > CONNECTIONS_MAX || (options.watchers > 0 && !options.watch_path))
        fail("--watchers is 0 to %d, and takes --watch-path", CONNECTIONS_MAX);
    if (!options.endpoint.certificate != !options.endpoint.key)
        fail("--cert and --key go together");
    options.payload.random_state = options.payload.seed ^ clock_read();
}

static uint64_t in_flight(const Connection *connections)
{
    uint64_t count = 0;
    for (int i = 0; i < options.connections; i++)
        count += (uint64_t)(connections[i].streams - connections[i].idle);
    return count;
}

static void serve(Connection *c, int epoll, uint32_t events)
{
    bool more = events & (EPOLLIN | EPOLLHUP | EPOLLERR);
    while (more) {
        more = connection_read(c);
        now_ns = clock_read();
        http2_receive(c);
    }
    http2_send_calls(c);
    bool was_blocked = c->blocked;
    connection_flush(c);
    if (was_blocked != c->blocked)
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &(struct epoll_event){ .events = EPOLLIN | (c->blocked ? EPOLLOUT : 0), .data.ptr = c });
}

// Waits for the server, or until the next paced call's turn; then sends what is due.
static int wait_and_pace(Connection *connections, int epoll, struct epoll_event *events)
{
    if (options.rate <= 0 || !run.paced_from_ns)
        return epoll_wait(epoll, events, 64, 100);
    double due_ns = (double)run.paced_from_ns + (double)run.paced / options.rate * 1e9 - (double)clock_read();
    struct timespec wait = { 0, due_ns <= 0 ? 0 : due_ns < 1e8 ? (long)due_ns : 100000000 };
    int count = epoll_pwait2(epoll, events, 64, &wait, NULL);
    now_ns = clock_read();
    for (int i = 0; i < options.connections; i++) {
        http2_send_calls(&connections[i]);
        connection_flush(&connections[i]);
    }
    return count;
}

typedef struct { uint64_t start_ns, end_ns; double own_cpu, server_cpu; } Measure;

// All watches have heard from the server: the first calls, which waited for that.
static void start_calls(Connection *connections)
{
    for (int i = 0; i < options.connections; i++) {
        http2_send_calls(&connections[i]);
        connection_flush(&connections[i]);
    }
}

// Warm-up, measurement, then the calls still under way are awaited, so that the server is left in a known state.
static Measure run_loop(Connection *connections, int epoll)
{
    struct epoll_event events[64];
    uint64_t opened_ns = clock_read(), heard_ns = opened_ns;
    Measure m = { 0 };
    bool counted = options.requests_max > 0 || options.warmup_seconds <= 0;
    if (counted)
        m = (Measure){ opened_ns, 0, own_cpu_seconds(), server_cpu_seconds() };
    for (;;) {
        int count = wait_and_pace(connections, epoll, events);
        now_ns = clock_read();
        if (count > 0)
            heard_ns = now_ns;
        else if (now_ns - heard_ns > (uint64_t)(options.stall_seconds * 1e9))
            break;
        bool was_waiting = run.watching < options.watchers;
        for (int i = 0; i < count; i++)
            serve(events[i].data.ptr, epoll, events[i].events);
        if (was_waiting && run.watching == options.watchers) {
            opened_ns = now_ns;
            start_calls(connections);
        }
        if (!counted && run.watching == options.watchers && now_ns - opened_ns >= (uint64_t)(options.warmup_seconds * 1e9)) {
            counted = true;
            // A failure stays counted, whenever it was.
            run.answered = 0;
            run.latency = (Histogram){ 0 };
            run.events = 0;
            run.event_latency = (Histogram){ 0 };
            m = (Measure){ now_ns = clock_read(), 0, own_cpu_seconds(), server_cpu_seconds() };
        }
        bool over = options.requests_max ? run.issued >= options.requests_max && in_flight(connections) == 0
                                         : counted && now_ns - m.start_ns >= (uint64_t)(options.seconds * 1e9);
        if (over)
            break;
    }
    m.end_ns = now_ns;
    m.own_cpu = own_cpu_seconds() - m.own_cpu;
    m.server_cpu = server_cpu_seconds() - m.server_cpu;
    return m;
}

static void drain(Connection *connections, int epoll)
{
    Run measured = run;
    struct epoll_event events[64];
    uint64_t from_ns = clock_read();
    run.stopping = true;
    while (in_flight(connections) > 0 && clock_read() - from_ns < 5000000000ull) {
        int count = epoll_wait(epoll, events, 64, 100);
        for (int i = 0; i < count; i++)
            serve(events[i].data.ptr, epoll, events[i].events);
    }
    uint64_t failed_late = run.failed - measured.failed, unanswered = in_flight(connections);
    for (int i = 1; i < OUTCOME_COUNT; i++)
        measured.outcomes[i] = run.outcomes[i];
    measured.failed += failed_late + unanswered;
    measured.outcomes[OUTCOME_UNANSWERED] = unanswered;
    memcpy(measured.first_error, run.first_error, sizeof measured.first_error);
    run = measured;
}

static void print_outcomes(void)
{
    static const char *const names[] = { "RST_STREAM", "HTTP_STATUS", "NO_GRPC_STATUS", "NO_MESSAGE", "UNANSWERED" };
    const char *separator = "";
    printf("\"failures\":{");
    for (int i = 1; i < OUTCOME_COUNT; i++) {
        if (!run.outcomes[i])
            continue;
        if (i < STATUS_COUNT)
            printf("%s\"%d\":%" PRIu64, separator, i, run.outcomes[i]);
        else
            printf("%s\"%s\":%" PRIu64, separator, names[i - STATUS_COUNT], run.outcomes[i]);
        separator = ",";
    }
    printf("},\"first_error\":\"");
    for (const char *p = run.first_error; *p; p++)
        if (*p != '"' && *p != '\\' && (unsigned char)*p >= ' ')
            putchar(*p);
    printf("\"");
}

static void report(const Measure *m)
{
    double seconds = (double)(m->end_ns - m->start_ns) / 1e9;
    printf("{\"streams\":%d,\"connections\":%d,\"seconds\":%.4f,\"requests\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"issued\":%" PRIu64
           ",\"requests_per_second\":%.1f,",
           options.streams, options.connections, seconds, run.answered, run.failed, run.issued, (double)run.answered / seconds);
    printf("\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f,",
           histogram_us(&run.latency, 0.5), histogram_us(&run.latency, 0.9), histogram_us(&run.latency, 0.99),
           histogram_us(&run.latency, 0.999), (double)run.latency.max / 1000.0);
    printf("\"events\":%" PRIu64 ",\"events_per_second\":%.1f,\"event_p50_us\":%.1f,\"event_p99_us\":%.1f,", run.events, (double)run.events / seconds,
           histogram_us(&run.event_latency, 0.5), histogram_us(&run.event_latency, 0.99));
    printf("\"load_cpu_seconds\":%.4f,\"server_cpu_seconds\":%.4f,", m->own_cpu, m->server_cpu);
    print_outcomes();
    printf("}\n");
}

int main(int count, char **arguments)
{
    signal(SIGPIPE, SIG_IGN);
    parse_options(count, arguments);
    Connection *connections = calloc((size_t)(options.connections + options.watchers), sizeof *connections);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < options.connections + options.watchers; i++) {
        Connection *c = &connections[i];
        c->is_watch = i >= options.connections;
        connection_open(c, &options.endpoint);
        http2_start(c, c->is_watch ? 1 : options.streams / options.connections + (i < options.streams % options.connections));
        connection_flush(c);
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){ .events = EPOLLIN | (c->blocked ? EPOLLOUT : 0), .data.ptr = c });
        // TLS may have read the server's first frames together with the end of its handshake.
        now_ns = clock_read();
        serve(c, epoll, c->tls ? EPOLLIN : 0);
    }
    Measure m = run_loop(connections, epoll);
    drain(connections, epoll);
    report(&m);
    return run.failed ? 3 : 0;
}
