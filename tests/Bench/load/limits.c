// What the machine allows, measured without any daemon: the figures that a store is held against.
//
//   limits sync FILE SECONDS           append 4 KiB and fdatasync, over and over
//   limits rows DATABASE SECONDS GROUP time|random SQL...
//     Creates an encrypted database from the SQL files (the daemon's own migrations), then commits groups of GROUP creates: a row
//     of virtual_machine and a row of event with its chained SHA-256 each, in a savepoint each, as the daemon's writer does.
//   limits spawn COUNT PROGRAM ARGUMENT...
//     posix_spawn COUNT times, one after the other: what it costs until the program is executed. The children are killed and waited for.
//
// Prints one line of JSON; a latency is that of one sync, of one group's commit, or of one spawn.
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// SQLite's header is not installed with the archive; these are the calls that are made.
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
int sqlite3_open(const char *, sqlite3 **);
int sqlite3_key(sqlite3 *, const void *, int);
int sqlite3_exec(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
int sqlite3_prepare_v2(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);
int sqlite3_bind_int64(sqlite3_stmt *, int, long long);
int sqlite3_bind_text(sqlite3_stmt *, int, const char *, int, void (*)(void *));
int sqlite3_bind_blob(sqlite3_stmt *, int, const void *, int, void (*)(void *));
int sqlite3_step(sqlite3_stmt *);
int sqlite3_reset(sqlite3_stmt *);
int sqlite3_wal_checkpoint_v2(sqlite3 *, const char *, int, int *, int *);
const char *sqlite3_errmsg(sqlite3 *);

// The daemon's bounds: frames not yet in the file that a busy writer moves.
#define WAL_FRAMES_BUSY 8192
#define PAYLOAD_BYTES 256

static sqlite3 *database;
static Histogram latency;

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("limits: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static uint64_t clock_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

uint64_t clock_read(void)
{
    return clock_of(CLOCK_MONOTONIC);
}

static int report(uint64_t count, uint64_t start_ns, uint64_t start_cpu_ns)
{
    double seconds = (double)(clock_of(CLOCK_MONOTONIC) - start_ns) / 1e9;
    double cpu = (double)(clock_of(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_ns) / 1e9;
    printf("{\"requests\":%llu,\"seconds\":%.4f,\"requests_per_second\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"cpu_seconds\":%.4f}\n",
           (unsigned long long)count, seconds, (double)count / seconds, histogram_us(&latency, 0.5), histogram_us(&latency, 0.99), histogram_us(&latency, 0.999), cpu);
    return 0;
}

static int run_sync(const char *path, double seconds)
{
    static char block[4096];
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0)
        fail("%s: %s", path, strerror(errno));
    uint64_t count = 0, start = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID), now = start;
    while ((double)(now - start) < seconds * 1e9) {
        memset(block, (int)count, sizeof block);
        if (write(file, block, sizeof block) != sizeof block || fdatasync(file) < 0)
            fail("%s: %s", path, strerror(errno));
        uint64_t end = clock_of(CLOCK_MONOTONIC);
        histogram_add(&latency, end - now);
        now = end;
        count++;
    }
    return report(count, start, cpu);
}

static void execute(const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != 0)
        fail("%s: %.60s", sqlite3_errmsg(database), sql);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(database, sql, -1, &s, NULL) != 0)
        fail("%s: %.60s", sqlite3_errmsg(database), sql);
    return s;
}

static void step(sqlite3_stmt *s)
{
    if (sqlite3_step(s) != 101)
        fail("%s", sqlite3_errmsg(database));
    sqlite3_reset(s);
}

static void execute_file(const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    if (!file)
        fail("%s: %s", path, strerror(errno));
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    execute(text);
}

typedef struct { sqlite3_stmt *record, *event, *savepoint, *release; EVP_MD_CTX *digest; unsigned char hash[32]; uint64_t sequence; bool random; } Rows;

static void insert_record(Rows *r, uint64_t time, const char *id, const char *text)
{
    sqlite3_bind_int64(r->record, 1, (long long)r->sequence);
    sqlite3_bind_text(r->record, 2, id, 36, NULL);
    sqlite3_bind_int64(r->record, 3, (long long)time);
    sqlite3_bind_text(r->record, 4, text, PAYLOAD_BYTES - 48, NULL);
    step(r->record);
}

static void insert_event(Rows *r, uint64_t time, const char *id, const unsigned char *payload)
{
    unsigned length;
    EVP_DigestInit_ex(r->digest, EVP_sha256(), NULL);
    EVP_DigestUpdate(r->digest, r->hash, sizeof r->hash);
    EVP_DigestUpdate(r->digest, &r->sequence, 8);
    EVP_DigestUpdate(r->digest, &time, 8);
    EVP_DigestUpdate(r->digest, id, 36);
    EVP_DigestUpdate(r->digest, payload, PAYLOAD_BYTES);
    EVP_DigestFinal_ex(r->digest, r->hash, &length);
    sqlite3_bind_int64(r->event, 1, (long long)r->sequence);
    sqlite3_bind_int64(r->event, 2, (long long)time);
    sqlite3_bind_text(r->event, 3, id, 36, NULL);
    sqlite3_bind_blob(r->event, 4, payload, PAYLOAD_BYTES, NULL);
    sqlite3_bind_blob(r->event, 5, r->hash, sizeof r->hash, NULL);
    step(r->event);
}

static void create(Rows *r)
{
    static Payload ids, bytes;
    if (!ids.length) {
        ids.seed = bytes.seed = clock_of(CLOCK_REALTIME);
        if (payload_parse(&ids, r->random ? "{name}2d2d2d2d" : "{time-id}") || payload_parse(&bytes, "{text:256}"))
            fail("the templates are wrong");
    }
    char id[36];
    unsigned char payload[PAYLOAD_BYTES];
    r->sequence++;
    payload_write(&ids, r->sequence, 0, (uint8_t *)id);
    payload_write(&bytes, r->sequence, 0, payload);
    uint64_t time = clock_of(CLOCK_REALTIME);
    step(r->savepoint);
    insert_record(r, time, id, (const char *)payload);
    insert_event(r, time, id, payload);
    step(r->release);
}

static void open_database(const char *path, int count, char **sql)
{
    static const char key[] = "x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'";
    if (sqlite3_open(path, &database) != 0 || sqlite3_key(database, key, sizeof key - 1) != 0)
        fail("%s: %s", path, sqlite3_errmsg(database));
    execute("PRAGMA cipher_hmac_algorithm = HMAC_SHA256; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -24576; PRAGMA foreign_keys = ON");
    for (int i = 0; i < count; i++)
        execute_file(sql[i]);
}

static int run_rows(const char *path, double seconds, int group, bool random, int count, char **sql)
{
    open_database(path, count, sql);
    Rows r = { .random = random, .digest = EVP_MD_CTX_new() };
    r.record = prepare("INSERT INTO virtual_machine (row_id, tenant, id, revision, create_time, update_time, mem_size_mb, vcpu_count, kernel_img_path, kernel_args, auraed_address)"
                       " VALUES (?1, 'default', ?2, ?1, ?3, ?3, 512, 2, ?4, '[]', '')");
    r.event = prepare("INSERT INTO event (sequence, commit_revision, time, tenant, principal, kind, subject, payload, hash)"
                      " VALUES (?1, ?1, ?2, 'default', 'uid:0', 'virtual_machine.created', ?3, ?4, ?5)");
    r.savepoint = prepare("SAVEPOINT request");
    r.release = prepare("RELEASE request");
    sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
    uint64_t start = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID), now = start;
    while ((double)(now - start) < seconds * 1e9) {
        step(begin);
        for (int i = 0; i < group; i++)
            create(&r);
        step(commit);
        uint64_t end = clock_of(CLOCK_MONOTONIC);
        histogram_add(&latency, end - now);
        int frames = 0, moved = 0;
        if (r.sequence / (uint64_t)group % 64 == 0 && sqlite3_wal_checkpoint_v2(database, NULL, -1, &frames, &moved) == 0 && frames > WAL_FRAMES_BUSY)
            sqlite3_wal_checkpoint_v2(database, NULL, 0, &frames, &moved);
        now = clock_of(CLOCK_MONOTONIC);
    }
    return report(r.sequence, start, cpu);
}

// glibc's posix_spawn returns once the child has executed its program (CLONE_VFORK), or could not.
static int run_spawn(int count, char **command)
{
    extern char **environ;
    uint64_t start = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < count; i++) {
        pid_t child;
        uint64_t before = clock_of(CLOCK_MONOTONIC);
        int error = posix_spawnp(&child, command[0], NULL, NULL, command, environ);
        histogram_add(&latency, clock_of(CLOCK_MONOTONIC) - before);
        if (error)
            fail("%s: %s", command[0], strerror(error));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return report((uint64_t)count, start, cpu);
}

int main(int count, char **arguments)
{
    if (count == 4 && !strcmp(arguments[1], "sync"))
        return run_sync(arguments[2], atof(arguments[3]));
    if (count > 6 && !strcmp(arguments[1], "rows"))
        return run_rows(arguments[2], atof(arguments[3]), atoi(arguments[4]), !strcmp(arguments[5], "random"), count - 6, arguments + 6);
    if (count > 3 && !strcmp(arguments[1], "spawn"))
        return run_spawn(atoi(arguments[2]), arguments + 3);
    fputs("usage: limits sync FILE SECONDS | limits rows DATABASE SECONDS GROUP time|random SQL... | limits spawn COUNT PROGRAM ARGUMENT...\n", stderr);
    return 2;
}
