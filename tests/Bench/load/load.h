// A load generator for unary gRPC calls, small enough that it is not the bottleneck: one thread, one epoll loop, no HTTP/2
// library. Closed loop: every stream sends its next call as soon as the last one is answered; or, with --rate, no sooner than its turn comes.
// Beside that it may watch: server streams whose messages are searched for the marks that {clock} put into the calls.
//
//   main.c        options, the run, the report
//   connection.c  sockets, TLS, buffers
//   http2.c       frames in both directions, flow control, the life of a call
//   hpack.c       the part of HPACK that tells a failed call from a successful one (Huffman and dynamic table included)
//   watch.c       finding the marks in what watches receive
//   payload.c     the request body, with parts that change per call
//   histogram.c   latency percentiles
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/ssl.h>

// One message, prefix included, is one DATA frame of the smallest maximum that HTTP/2 allows.
#define BODY_BYTES_MAX (16384 - 5)
#define HEADER_BLOCK_BYTES_MAX 65536
#define EXTRA_HEADERS_MAX 8
#define CONNECTIONS_MAX 256
#define STREAMS_MAX 65536
#define STATUS_COUNT 17
// Statuses 0 to 16 are gRPC's own; these are what happens to a call that got none.
#define OUTCOME_RESET 17
#define OUTCOME_HTTP 18
#define OUTCOME_NO_STATUS 19
#define OUTCOME_NO_MESSAGE 20
#define OUTCOME_UNANSWERED 21
#define OUTCOME_COUNT 22

// histogram.c -----------------------------------------------------------------------------------------------------------
// Buckets of 1/64 of a power of two: a percentile is exact to 1.6 %.
#define HISTOGRAM_BUCKETS (64 * 64)
typedef struct { uint64_t count[HISTOGRAM_BUCKETS], total, max; } Histogram;
void histogram_add(Histogram *h, uint64_t ns);
double histogram_us(const Histogram *h, double quantile);

// payload.c -------------------------------------------------------------------------------------------------------------
#define PARTS_MAX 64
// A mark says when the call was sent: "~~~~" and 16 hexadecimal digits of nanoseconds.
#define MARK "~~~~"
#define MARK_BYTES 20
enum PartKind { PART_BYTES, PART_CLOCK, PART_COUNTER, PART_NAME, PART_TIME_ID, PART_RANDOM, PART_TEXT };
typedef struct { enum PartKind kind; size_t offset, length; uint64_t pick; } Part;
typedef struct {
    uint8_t bytes[BODY_BYTES_MAX];   // the fixed part; the others are written over it, in place, per call
    size_t length;
    Part parts[PARTS_MAX];
    int part_count;
    uint64_t seed, random_state;
} Payload;
const char *payload_parse(Payload *p, const char *template_text); // null when it is right, else what is wrong
void payload_write(Payload *p, uint64_t number, uint64_t first, uint8_t *out);

// hpack.c ---------------------------------------------------------------------------------------------------------------
#define HPACK_TABLE_BYTES_MAX 4096
#define HPACK_TABLE_ENTRIES_MAX (HPACK_TABLE_BYTES_MAX / 32)
enum HeaderName { HEADER_OTHER, HEADER_HTTP_STATUS, HEADER_GRPC_STATUS, HEADER_GRPC_MESSAGE };
typedef struct { enum HeaderName name; uint32_t name_length, size; char value[64]; } HpackEntry;
typedef struct {
    HpackEntry entries[HPACK_TABLE_ENTRIES_MAX]; // a ring; newest at (head - 1)
    uint32_t head, count, bytes, bytes_max;
} HpackTable;
typedef struct { int http_status, grpc_status; char message[256]; } ResponseHeaders; // -1: not seen
void hpack_table_init(HpackTable *t);
bool hpack_decode(HpackTable *t, const uint8_t *at, const uint8_t *end, ResponseHeaders *found);
size_t hpack_literal(uint8_t *out, bool index, uint8_t name_index, const char *name, const char *value);

// connection.c ----------------------------------------------------------------------------------------------------------
typedef struct {
    const char *unix_path, *host, *port;
    const char *certificate, *key, *authority_file, *server_name; // TLS when authority_file is given
} Endpoint;
typedef struct { uint8_t *bytes; size_t start, end, capacity; } Buffer;
uint8_t *buffer_room(Buffer *b, size_t length); // room for length more bytes at b->end
typedef struct Connection Connection;
void connection_open(Connection *c, const Endpoint *e);
bool connection_read(Connection *c);  // false: nothing (more) to read now
void connection_flush(Connection *c); // writes what it can; c->blocked says that some is left

// http2.c ---------------------------------------------------------------------------------------------------------------
typedef struct { uint32_t stream; uint32_t message_bytes; uint64_t start_ns; ResponseHeaders headers; } Call; // stream 0: free
struct Connection {
    int fd;
    SSL *tls;
    Buffer in, out;
    bool blocked, ready, indexed;
    HpackTable table;
    Call *calls;              // by (stream / 2) & call_mask; a busy place is passed over, so that no two calls share one
    uint32_t call_mask, stream_next;
    int streams, idle;        // streams this connection may have open; how many of them have no call now
    int64_t window, stream_window;
    uint32_t streams_max;     // the server's SETTINGS_MAX_CONCURRENT_STREAMS
    uint32_t table_bytes_max; // the server's SETTINGS_HEADER_TABLE_SIZE
    uint64_t received_bytes;  // DATA since the last WINDOW_UPDATE
    uint8_t block[HEADER_BLOCK_BYTES_MAX];
    size_t block_length;      // of a header block that goes on in CONTINUATION frames
    uint32_t block_stream;
    bool block_ends_stream;
    bool is_watch, is_watching; // a server stream instead of calls; its request is sent
    uint64_t watch_received;    // bytes since the stream's last WINDOW_UPDATE
    uint8_t tail[MARK_BYTES - 1]; // the end of what a watch received: a mark may go on in the next frame
    size_t tail_length;
};
void http2_start(Connection *c, int streams);
void http2_receive(Connection *c); // all whole frames in c->in
void http2_send_calls(Connection *c);

// watch.c ---------------------------------------------------------------------------------------------------------------
void watch_receive(Connection *c, const uint8_t *at, size_t length);

// main.c ----------------------------------------------------------------------------------------------------------------
typedef struct {
    Endpoint endpoint;
    const char *path, *authority;
    const char *extra_name[EXTRA_HEADERS_MAX], *extra_value[EXTRA_HEADERS_MAX];
    int extra_count, connections, streams, server_pid;
    double seconds, warmup_seconds, stall_seconds;
    uint64_t requests_max; // 0: until the time is up
    uint64_t first;
    Payload payload;
    const char *watch_path;
    Payload watch_payload;
    int watchers;
    bool watch_is_open; // the watch's request stream stays open, as that of a bidirectional method
    double rate;        // calls per second in all; 0: as many as are answered
} Options;
typedef struct {
    uint64_t issued, answered, failed, outcomes[OUTCOME_COUNT];
    bool stopping;
    char first_error[320];
    Histogram latency;
    uint64_t paced_from_ns, paced;  // calls are paced from here on, so many were issued since
    int watching;                   // watches that have heard from the server
    uint64_t events;                // marks found
    Histogram event_latency;        // from the sending of a call to its mark's arrival
} Run;
extern Options options;
extern Run run;
extern uint64_t now_ns; // read once per batch of frames
uint64_t clock_read(void);
bool run_may_issue(void);
void run_answered(int outcome, uint64_t latency_ns, const char *message);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
