// Enough of RFC 7541 to know how a call ended. The whole encoding is followed (the dynamic table must stay in step), but only
// :status, grpc-status and grpc-message are looked at.
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Appendix B by lengths alone: the code is canonical, so lengths in symbol order define it. Index 256 is the end of string.
static const uint8_t huffman_lengths[257] = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
};

// Of Appendix A's 61 entries only the :status ones matter; for the rest the length of the name is enough.
static enum HeaderName static_name(uint32_t index)
{
    return index >= 8 && index <= 14 ? HEADER_HTTP_STATUS : HEADER_OTHER;
}

static const uint8_t static_name_length[62] = {
    0, 10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13, 12,
    6, 4, 4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3, 16,
};

typedef struct { uint8_t symbols[257 + 1]; uint32_t first_code[31], first_symbol[31], count[31]; bool made; } HuffmanTable;
static HuffmanTable huffman;
// The end-of-string symbol does not fit a byte; it is the last of its length, and meeting it is an error.
static void huffman_make(void)
{
    uint32_t code = 0, place = 0;
    for (uint32_t length = 1; length <= 30; length++) {
        code <<= 1;
        huffman.first_code[length] = code;
        huffman.first_symbol[length] = place;
        for (int symbol = 0; symbol < 257; symbol++)
            if (huffman_lengths[symbol] == length)
                huffman.symbols[place++] = (uint8_t)symbol;
        huffman.count[length] = place - huffman.first_symbol[length];
        code += huffman.count[length];
    }
    huffman.made = true;
}

// The decoded length, or -1. What does not fit into `room` is counted and dropped.
static int huffman_decode(const uint8_t *at, size_t length, char *out, size_t room)
{
    if (!huffman.made)
        huffman_make();
    uint32_t code = 0, bits = 0;
    int written = 0;
    for (size_t i = 0; i < length * 8; i++) {
        code = code << 1 | (at[i / 8] >> (7 - i % 8) & 1);
        if (++bits > 30)
            return -1;
        uint32_t distance = code - huffman.first_code[bits];
        if (code >= huffman.first_code[bits] && distance < huffman.count[bits]) {
            if (bits == 30 && distance == huffman.count[30] - 1)
                return -1;
            if ((size_t)written < room)
                out[written] = (char)huffman.symbols[huffman.first_symbol[bits] + distance];
            written++;
            code = bits = 0;
        }
    }
    return bits < 8 ? written : -1;
}

typedef struct { const uint8_t *at, *end; bool bad; } Reader;

static uint32_t read_integer(Reader *r, int prefix_bits)
{
    if (r->at >= r->end) {
        r->bad = true;
        return 0;
    }
    uint32_t mask = (1u << prefix_bits) - 1, value = *r->at++ & mask;
    if (value < mask)
        return value;
    for (int shift = 0; r->at < r->end && shift <= 21; shift += 7) {
        uint8_t byte = *r->at++;
        value += (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    r->bad = true;
    return 0;
}

// Returns the decoded length; out is cut to its room and always ends with 0.
static uint32_t read_string(Reader *r, char *out, size_t room)
{
    bool coded = r->at < r->end && *r->at & 0x80;
    uint32_t length = read_integer(r, 7);
    out[0] = 0;
    if (r->bad || length > (size_t)(r->end - r->at)) {
        r->bad = true;
        return 0;
    }
    const uint8_t *from = r->at;
    r->at += length;
    int decoded = (int)length;
    if (coded) {
        decoded = huffman_decode(from, length, out, room - 1);
        if (decoded < 0) {
            r->bad = true;
            return 0;
        }
    } else {
        memcpy(out, from, length < room - 1 ? length : room - 1);
    }
    out[(size_t)decoded < room - 1 ? (size_t)decoded : room - 1] = 0;
    return (uint32_t)decoded;
}

static enum HeaderName name_of(const char *name)
{
    return !strcmp(name, ":status") ? HEADER_HTTP_STATUS : !strcmp(name, "grpc-status") ? HEADER_GRPC_STATUS
        : !strcmp(name, "grpc-message") ? HEADER_GRPC_MESSAGE : HEADER_OTHER;
}

static void found_header(ResponseHeaders *found, enum HeaderName name, const char *value)
{
    if (name == HEADER_HTTP_STATUS)
        found->http_status = atoi(value);
    else if (name == HEADER_GRPC_STATUS)
        found->grpc_status = value[0] >= '0' && value[0] <= '9' ? atoi(value) : -1;
    else if (name == HEADER_GRPC_MESSAGE)
        strncpy(found->message, value, sizeof found->message - 1);
}

void hpack_table_init(HpackTable *t)
{
    memset(t, 0, sizeof *t);
    t->bytes_max = HPACK_TABLE_BYTES_MAX;
}

static void table_shrink(HpackTable *t, uint32_t bytes_max)
{
    while (t->bytes > bytes_max && t->count) {
        t->bytes -= t->entries[(t->head + HPACK_TABLE_ENTRIES_MAX - t->count) % HPACK_TABLE_ENTRIES_MAX].size;
        t->count--;
    }
}

static void table_add(HpackTable *t, enum HeaderName name, uint32_t name_length, uint32_t value_length, const char *value)
{
    uint32_t size = name_length + value_length + 32;
    if (size > t->bytes_max) {
        table_shrink(t, 0);
        return;
    }
    table_shrink(t, t->bytes_max - size);
    HpackEntry *e = &t->entries[t->head];
    e->name = name;
    e->name_length = name_length;
    e->size = size;
    snprintf(e->value, sizeof e->value, "%.*s", (int)sizeof e->value - 1, value);
    t->head = (t->head + 1) % HPACK_TABLE_ENTRIES_MAX;
    t->count++;
    t->bytes += size;
}

static const HpackEntry *table_at(const HpackTable *t, uint32_t index)
{
    return index > 61 && index - 62 < t->count ? &t->entries[(t->head + 2 * HPACK_TABLE_ENTRIES_MAX - 1 - (index - 62)) % HPACK_TABLE_ENTRIES_MAX] : NULL;
}

static void read_indexed(HpackTable *t, Reader *r, ResponseHeaders *found)
{
    static const char *const statuses[] = { "200", "204", "206", "304", "400", "404", "500" };
    uint32_t index = read_integer(r, 7);
    const HpackEntry *e = table_at(t, index);
    if (e)
        found_header(found, e->name, e->value);
    else if (index == 0 || index > 61)
        r->bad = true;
    else if (static_name(index) == HEADER_HTTP_STATUS)
        found_header(found, HEADER_HTTP_STATUS, statuses[index - 8]);
}

static void read_literal(HpackTable *t, Reader *r, ResponseHeaders *found, bool index_it)
{
    char text[256];
    enum HeaderName name;
    uint32_t name_length, index = read_integer(r, index_it ? 6 : 4);
    const HpackEntry *e = table_at(t, index);
    if (index == 0) {
        name_length = read_string(r, text, sizeof text);
        name = name_of(text);
    } else if (e) {
        name = e->name;
        name_length = e->name_length;
    } else {
        r->bad |= index > 61;
        name = static_name(index);
        name_length = index <= 61 ? static_name_length[index] : 0;
    }
    uint32_t value_length = read_string(r, text, sizeof text);
    if (r->bad)
        return;
    found_header(found, name, text);
    if (index_it)
        table_add(t, name, name_length, value_length, text);
}

bool hpack_decode(HpackTable *t, const uint8_t *at, const uint8_t *end, ResponseHeaders *found)
{
    Reader r = { at, end, false };
    while (r.at < r.end && !r.bad) {
        uint8_t byte = *r.at;
        if (byte & 0x80) {
            read_indexed(t, &r, found);
        } else if ((byte & 0xe0) == 0x20) {
            t->bytes_max = read_integer(&r, 5);
            r.bad |= t->bytes_max > HPACK_TABLE_BYTES_MAX;
            table_shrink(t, t->bytes_max);
        } else {
            read_literal(t, &r, found, byte & 0x40);
        }
    }
    return !r.bad;
}

// A literal for a request: with `index` it enters the server's table, so that the next request names it by number.
size_t hpack_literal(uint8_t *out, bool index, uint8_t name_index, const char *name, const char *value)
{
    uint8_t *at = out;
    if (index) {
        *at++ = 0x40 | name_index;
    } else if (name_index < 15) {
        *at++ = name_index;
    } else {
        *at++ = 0x0f;
        *at++ = (uint8_t)(name_index - 15);
    }
    const char *texts[] = { name_index ? NULL : name, value };
    for (int i = 0; i < 2; i++) {
        if (!texts[i])
            continue;
        size_t length = strlen(texts[i]);
        if (length < 127) {
            *at++ = (uint8_t)length;
        } else {
            *at++ = 127;
            for (length -= 127; length >= 128; length >>= 7)
                *at++ = (uint8_t)(length | 0x80);
            *at++ = (uint8_t)length;
        }
        memcpy(at, texts[i], strlen(texts[i]));
        at += strlen(texts[i]);
    }
    return (size_t)(at - out);
}
