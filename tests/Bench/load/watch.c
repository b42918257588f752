#define _GNU_SOURCE
#include "load.h"

#include <string.h>

static void found(const uint8_t *digits)
{
    uint64_t start_ns = 0;
    for (int i = 0; i < 16; i++)
        start_ns = start_ns << 4 | (uint64_t)(digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'a' + 10);
    run.events++;
    histogram_add(&run.event_latency, now_ns > start_ns ? now_ns - start_ns : 0);
}

// Marks that begin before `begin_max` bytes and are whole.
static void search(const uint8_t *at, size_t length, size_t begin_max)
{
    const uint8_t *end = at + length, *last = at + begin_max;
    for (const uint8_t *p = at; p < last && (p = memmem(p, (size_t)(end - p), MARK, sizeof MARK - 1)) && p < last && end - p >= MARK_BYTES; p += MARK_BYTES)
        found(p + sizeof MARK - 1);
}

void watch_receive(Connection *c, const uint8_t *at, size_t length)
{
    uint8_t seam[2 * MARK_BYTES];
    size_t head = length < MARK_BYTES - 1 ? length : MARK_BYTES - 1;
    memcpy(seam, c->tail, c->tail_length);
    memcpy(seam + c->tail_length, at, head);
    search(seam, c->tail_length + head, c->tail_length);
    search(at, length, length);
    if (length >= MARK_BYTES - 1) {
        memcpy(c->tail, at + length - (MARK_BYTES - 1), MARK_BYTES - 1);
        c->tail_length = MARK_BYTES - 1;
        return;
    }
    size_t joined = c->tail_length + length, kept = joined < MARK_BYTES - 1 ? joined : MARK_BYTES - 1;
    memmove(c->tail, seam + joined - kept, kept);
    c->tail_length = kept;
}
