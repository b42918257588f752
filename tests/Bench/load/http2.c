#include "load.h"

#include <stdlib.h>
#include <string.h>

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, PRIORITY_PRESENT = 32 };
enum { SETTINGS_HEADER_TABLE_SIZE = 1, SETTINGS_ENABLE_PUSH, SETTINGS_MAX_CONCURRENT_STREAMS, SETTINGS_INITIAL_WINDOW_SIZE };

#define FRAME_HEADER_BYTES 9
// Ours, announced to the server: wide enough that the generator never holds a server back.
#define RECEIVE_STREAM_WINDOW (4 << 20)
#define RECEIVE_WINDOW (64 << 20)
#define DEFAULT_WINDOW 65535

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void write_u32(uint8_t *p, uint32_t value)
{
    for (int i = 3; i >= 0; i--, value >>= 8)
        p[i] = (uint8_t)value;
}

// Appends a frame's header; returns where its payload goes. The payload is counted as written.
static uint8_t *frame(Connection *c, uint32_t length, int type, int flags, uint32_t stream)
{
    uint8_t *p = buffer_room(&c->out, FRAME_HEADER_BYTES + length);
    write_u32(p, length << 8 | (uint32_t)type);
    p[4] = (uint8_t)flags;
    write_u32(p + 5, stream);
    c->out.end += FRAME_HEADER_BYTES + length;
    return p + FRAME_HEADER_BYTES;
}

void http2_start(Connection *c, int streams)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    hpack_table_init(&c->table);
    c->streams = c->idle = streams;
    c->stream_next = 1;
    c->window = c->stream_window = DEFAULT_WINDOW;
    c->streams_max = UINT32_MAX;
    c->table_bytes_max = HPACK_TABLE_BYTES_MAX;
    c->call_mask = 63;
    while (c->call_mask < (uint32_t)streams * 16)
        c->call_mask = c->call_mask * 2 + 1;
    c->calls = calloc(c->call_mask + 1, sizeof *c->calls);
    if (!c->calls)
        fail("out of memory");
    memcpy(buffer_room(&c->out, sizeof preface - 1), preface, sizeof preface - 1);
    c->out.end += sizeof preface - 1;
    uint8_t *p = frame(c, 12, SETTINGS, 0, 0);
    p[0] = p[6] = 0;
    p[1] = SETTINGS_ENABLE_PUSH;
    write_u32(p + 2, 0);
    p[7] = SETTINGS_INITIAL_WINDOW_SIZE;
    write_u32(p + 8, RECEIVE_STREAM_WINDOW);
    write_u32(frame(c, 4, WINDOW_UPDATE, 0, 0), RECEIVE_WINDOW - DEFAULT_WINDOW);
}

// The request's header block. The first one of a connection puts its literals into the server's dynamic table, later ones
// name them by number, as the clients of gRPC do; where the server offers a smaller table, all are literals.
static size_t header_block(Connection *c, uint8_t *out)
{
    uint8_t *at = out;
    *at++ = 0x83; // :method POST
    *at++ = options.endpoint.authority_file ? 0x87 : 0x86; // :scheme https or http
    int count = 4 + options.extra_count;
    if (c->indexed) {
        for (int i = 0; i < count; i++)
            *at++ = (uint8_t)(0x80 | (61 + count - i));
        return (size_t)(at - out);
    }
    bool index = c->table_bytes_max >= HPACK_TABLE_BYTES_MAX;
    at += hpack_literal(at, index, 4, ":path", c->is_watch ? options.watch_path : options.path);
    at += hpack_literal(at, index, 1, ":authority", options.authority);
    at += hpack_literal(at, index, 31, "content-type", "application/grpc");
    at += hpack_literal(at, index, 0, "te", "trailers");
    for (int i = 0; i < options.extra_count; i++)
        at += hpack_literal(at, index, 0, options.extra_name[i], options.extra_value[i]);
    c->indexed = index;
    return (size_t)(at - out);
}

static Call *call_of(Connection *c, uint32_t stream)
{
    Call *call = &c->calls[stream >> 1 & c->call_mask];
    return call->stream == stream ? call : NULL;
}

static void send_watch(Connection *c)
{
    uint8_t block[4096];
    if (!c->ready || c->is_watching)
        return;
    c->is_watching = true;
    size_t length = header_block(c, block), message = options.watch_payload.length;
    memcpy(frame(c, (uint32_t)length, HEADERS, END_HEADERS, 1), block, length);
    uint8_t *p = frame(c, (uint32_t)(5 + message), DATA, options.watch_is_open ? 0 : END_STREAM, 1);
    p[0] = 0;
    write_u32(p + 1, (uint32_t)message);
    payload_write(&options.watch_payload, 0, 0, p + 5);
}

void http2_send_calls(Connection *c)
{
    uint8_t block[4096];
    size_t message = 5 + options.payload.length;
    if (c->is_watch) {
        send_watch(c);
        return;
    }
    while (c->ready && c->idle > 0 && c->window >= (int64_t)message && run_may_issue()) {
        while (c->calls[c->stream_next >> 1 & c->call_mask].stream)
            c->stream_next += 2;
        if (c->stream_next >= 1u << 31)
            fail("the connection has used all its stream numbers: run for a shorter time or with more connections");
        Call *call = &c->calls[c->stream_next >> 1 & c->call_mask];
        call->stream = c->stream_next;
        call->start_ns = now_ns;
        call->message_bytes = 0;
        call->headers = (ResponseHeaders){ .http_status = -1, .grpc_status = -1 };
        c->stream_next += 2;
        c->idle--;
        size_t length = header_block(c, block);
        memcpy(frame(c, (uint32_t)length, HEADERS, END_HEADERS, call->stream), block, length);
        uint8_t *p = frame(c, (uint32_t)message, DATA, END_STREAM, call->stream);
        p[0] = 0;
        write_u32(p + 1, (uint32_t)options.payload.length);
        payload_write(&options.payload, options.first + run.issued, options.first, p + 5);
        c->window -= (int64_t)message;
        run.issued++;
        run.paced++;
    }
}

static void call_ended(Connection *c, Call *call, int outcome)
{
    run_answered(outcome, now_ns - call->start_ns, call->headers.message);
    call->stream = 0;
    c->idle++;
}

static void stream_ended(Connection *c, Call *call)
{
    const ResponseHeaders *h = &call->headers;
    int outcome = h->http_status != 200 ? OUTCOME_HTTP
        : h->grpc_status < 0 || h->grpc_status >= STATUS_COUNT ? OUTCOME_NO_STATUS
        : h->grpc_status == 0 && call->message_bytes < 5 ? OUTCOME_NO_MESSAGE
        : h->grpc_status;
    call_ended(c, call, outcome);
}

static void block_complete(Connection *c, uint32_t stream, const uint8_t *at, size_t length, bool ends_stream)
{
    ResponseHeaders unknown_call, *found = &unknown_call;
    Call *call = call_of(c, stream);
    if (call)
        found = &call->headers;
    unknown_call = (ResponseHeaders){ .http_status = -1, .grpc_status = -1 };
    if (!hpack_decode(&c->table, at, at + length, found))
        fail("the server's header block cannot be decoded");
    if (c->is_watch && ends_stream)
        fail("a watch has ended: status %d %s", unknown_call.grpc_status, unknown_call.message);
    if (call && ends_stream)
        stream_ended(c, call);
}

static void on_headers(Connection *c, int flags, uint32_t stream, const uint8_t *at, size_t length)
{
    size_t padding = 0;
    if (flags & PADDED && length > 0) {
        padding = *at++;
        length--;
    }
    if (flags & PRIORITY_PRESENT && length >= 5) {
        at += 5;
        length -= 5;
    }
    if (padding > length)
        fail("a HEADERS frame is all padding");
    length -= padding;
    if (flags & END_HEADERS) {
        block_complete(c, stream, at, length, flags & END_STREAM);
        return;
    }
    memcpy(c->block, at, length);
    c->block_length = length;
    c->block_stream = stream;
    c->block_ends_stream = flags & END_STREAM;
}

static void on_continuation(Connection *c, int flags, uint32_t stream, const uint8_t *at, size_t length)
{
    if (stream != c->block_stream || c->block_length + length > sizeof c->block)
        fail("a CONTINUATION frame is out of place, or the header block is longer than %zu bytes", sizeof c->block);
    memcpy(c->block + c->block_length, at, length);
    c->block_length += length;
    if (flags & END_HEADERS)
        block_complete(c, stream, c->block, c->block_length, c->block_ends_stream);
}

static void on_data(Connection *c, int flags, uint32_t stream, const uint8_t *at, size_t length)
{
    c->received_bytes += length;
    if (c->received_bytes >= RECEIVE_WINDOW / 2) {
        write_u32(frame(c, 4, WINDOW_UPDATE, 0, 0), (uint32_t)c->received_bytes);
        c->received_bytes = 0;
    }
    if (c->is_watch) {
        run.watching += c->watch_received == 0 && c->tail_length == 0;
        c->watch_received += length;
        watch_receive(c, at, length);
        if (c->watch_received >= RECEIVE_STREAM_WINDOW / 2) {
            write_u32(frame(c, 4, WINDOW_UPDATE, 0, stream), (uint32_t)c->watch_received);
            c->watch_received = 0;
        }
        return;
    }
    Call *call = call_of(c, stream);
    if (!call)
        return;
    size_t padding = flags & PADDED && length > 0 ? *at + 1u : 0;
    call->message_bytes += (uint32_t)(length > padding ? length - padding : 0);
    if (flags & END_STREAM)
        stream_ended(c, call);
}

static void on_settings(Connection *c, int flags, const uint8_t *at, size_t length)
{
    if (flags & ACK)
        return;
    for (; length >= 6; at += 6, length -= 6) {
        uint32_t value = read_u32(at + 2);
        switch (at[0] << 8 | at[1]) {
        case SETTINGS_HEADER_TABLE_SIZE:
            c->table_bytes_max = value;
            break;
        case SETTINGS_MAX_CONCURRENT_STREAMS:
            c->streams_max = value;
            break;
        case SETTINGS_INITIAL_WINDOW_SIZE:
            c->stream_window = value;
            break;
        }
    }
    frame(c, 0, SETTINGS, ACK, 0);
    if ((uint32_t)c->streams > c->streams_max)
        fail("the server allows %u streams per connection, %d are asked for: use more --connections", c->streams_max, c->streams);
    if (c->stream_window < (int64_t)options.payload.length + 5)
        fail("the message does not fit into the server's stream window of %lld bytes", (long long)c->stream_window);
    c->ready = true;
}

static void on_frame(Connection *c, int type, int flags, uint32_t stream, const uint8_t *at, size_t length)
{
    Call *call;
    switch (type) {
    case DATA:
        on_data(c, flags, stream, at, length);
        break;
    case HEADERS:
        on_headers(c, flags, stream, at, length);
        break;
    case CONTINUATION:
        on_continuation(c, flags, stream, at, length);
        break;
    case SETTINGS:
        on_settings(c, flags, at, length);
        break;
    case PING:
        if (!(flags & ACK) && length == 8)
            memcpy(frame(c, 8, PING, ACK, 0), at, 8);
        break;
    case WINDOW_UPDATE:
        if (stream == 0 && length == 4)
            c->window += read_u32(at) & 0x7fffffff;
        break;
    case RST_STREAM:
        // After a whole answer this only says that the rest of the request is not wanted; the call is gone then.
        call = call_of(c, stream);
        if (call)
            call_ended(c, call, OUTCOME_RESET);
        if (c->is_watch)
            fail("a watch was reset");
        break;
    case GOAWAY:
        fail("the server sent GOAWAY, error %u %.*s", length >= 8 ? read_u32(at + 4) : 0, length > 8 ? (int)(length - 8) : 0, (const char *)at + 8);
    }
}

void http2_receive(Connection *c)
{
    while (c->in.end - c->in.start >= FRAME_HEADER_BYTES) {
        const uint8_t *p = c->in.bytes + c->in.start;
        size_t length = read_u32(p) >> 8;
        if (length > 16384)
            fail("a frame of %zu bytes is longer than was agreed", length);
        if (c->in.end - c->in.start < FRAME_HEADER_BYTES + length)
            return;
        on_frame(c, p[3], p[4], read_u32(p + 5) & 0x7fffffff, p + FRAME_HEADER_BYTES, length);
        c->in.start += FRAME_HEADER_BYTES + length;
    }
}
