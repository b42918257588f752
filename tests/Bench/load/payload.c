// The request's message: hexadecimal bytes, with parts in braces that change per call. Every part has a fixed length, so the
// length prefixes of the protobuf around it are written once, by whoever writes the template.
//
//   {clock}           20 characters: a mark with the time of sending, which a watch finds again
//   {counter}         12 decimal digits: the call's number
//   {counter:COUNT}   12 decimal digits: a number picked at random from COUNT numbers, the first of them --first
//   {name}            32 hexadecimal digits drawn from the call's number and the seed: random order, yet known to a later run
//   {name:COUNT}      such a name, picked at random from COUNT of them
//   {time-id}         36 characters, a UUID of version 7
//   {random:LENGTH}   random bytes
//   {text:LENGTH}     random lower-case letters
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

static uint64_t draw(Payload *p)
{
    return mix(p->random_state++);
}

static void write_hex(uint8_t *out, uint64_t value)
{
    for (int i = 15; i >= 0; i--, value >>= 4)
        out[i] = (uint8_t)"0123456789abcdef"[value & 15];
}

static void write_time_id(Payload *p, uint8_t *out)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    // Twelve bits of the millisecond's fraction keep the ids of one millisecond in order, as the standard allows.
    uint64_t fraction = (uint64_t)(t.tv_nsec % 1000000) * 4096 / 1000000;
    uint8_t hex[32];
    write_hex(hex, ms << 16 | 0x7000 | fraction);
    write_hex(hex + 16, (draw(p) & 0x3fffffffffffffffull) | 0x8000000000000000ull);
    memcpy(out, hex, 8);
    out[8] = '-';
    memcpy(out + 9, hex + 8, 4);
    out[13] = '-';
    memcpy(out + 14, hex + 12, 4);
    out[18] = '-';
    memcpy(out + 19, hex + 16, 4);
    out[23] = '-';
    memcpy(out + 24, hex + 20, 12);
}

static void write_part(Payload *p, const Part *part, uint64_t number, uint64_t first, uint8_t *out)
{
    if (part->pick)
        number = first + draw(p) % part->pick;
    switch (part->kind) {
    case PART_CLOCK:
        memcpy(out, MARK, sizeof MARK - 1);
        write_hex(out + sizeof MARK - 1, clock_read());
        break;
    case PART_COUNTER:
        for (int i = 11; i >= 0; i--, number /= 10)
            out[i] = (uint8_t)('0' + number % 10);
        break;
    case PART_NAME:
        write_hex(out, mix(p->seed ^ mix(number)));
        write_hex(out + 16, mix(~p->seed ^ mix(number)));
        break;
    case PART_TIME_ID:
        write_time_id(p, out);
        break;
    case PART_RANDOM:
        for (size_t i = 0; i < part->length; i += 8) {
            uint64_t r = draw(p);
            memcpy(out + i, &r, part->length - i < 8 ? part->length - i : 8);
        }
        break;
    case PART_TEXT:
        for (size_t i = 0; i < part->length; i += 8) {
            uint64_t r = draw(p);
            for (size_t j = i; j < i + 8 && j < part->length; j++, r >>= 8)
                out[j] = (uint8_t)('a' + (r & 0xff) % 26);
        }
        break;
    case PART_BYTES:
        break;
    }
}

void payload_write(Payload *p, uint64_t number, uint64_t first, uint8_t *out)
{
    memcpy(out, p->bytes, p->length);
    for (int i = 0; i < p->part_count; i++)
        write_part(p, &p->parts[i], number, first, out + p->parts[i].offset);
}

static const char *parse_part(Payload *p, const char *text, size_t length)
{
    static const struct { const char *name; enum PartKind kind; size_t length; bool pick; } kinds[] = {
        { "clock", PART_CLOCK, MARK_BYTES, false }, { "counter", PART_COUNTER, 12, true }, { "name", PART_NAME, 32, true }, { "time-id", PART_TIME_ID, 36, false },
        { "random", PART_RANDOM, 0, false }, { "text", PART_TEXT, 0, false },
    };
    char word[32] = "";
    if (length >= sizeof word || p->part_count == PARTS_MAX)
        return "a part in braces is too long, or there are more than 64";
    memcpy(word, text, length);
    char *argument = strchr(word, ':');
    if (argument)
        *argument++ = 0;
    uint64_t value = argument ? strtoull(argument, NULL, 10) : 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(word, kinds[i].name))
            continue;
        size_t bytes = kinds[i].length ? kinds[i].length : (size_t)value;
        if (bytes == 0 || bytes > BODY_BYTES_MAX - p->length)
            return "a part in braces has no length, or the message is too long";
        p->parts[p->part_count++] = (Part){ kinds[i].kind, p->length, bytes, kinds[i].pick ? value : 0 };
        p->length += bytes;
        return NULL;
    }
    return "unknown part in braces";
}

const char *payload_parse(Payload *p, const char *text)
{
    while (*text) {
        if (*text == '{') {
            const char *close = strchr(text, '}');
            if (!close)
                return "a brace is not closed";
            const char *wrong = parse_part(p, text + 1, (size_t)(close - text - 1));
            if (wrong)
                return wrong;
            text = close + 1;
            continue;
        }
        unsigned byte;
        if (sscanf(text, "%2x", &byte) != 1 || !text[1] || p->length == BODY_BYTES_MAX)
            return "not hexadecimal, or too long";
        p->bytes[p->length++] = (uint8_t)byte;
        text += 2;
    }
    return NULL;
}
