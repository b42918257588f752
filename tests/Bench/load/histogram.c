#include "load.h"

// Values below 64 ns have a bucket each; above, a bucket is 1/64 of its power of two.
static unsigned bucket_of(uint64_t ns)
{
    if (ns < 64)
        return (unsigned)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns);
    return (power - 5) * 64 + (unsigned)((ns >> (power - 6)) & 63);
}

static uint64_t middle_of(unsigned bucket)
{
    if (bucket < 64)
        return bucket;
    unsigned power = bucket / 64 + 5;
    uint64_t width = 1ull << (power - 6);
    return (64 + bucket % 64) * width + width / 2;
}

void histogram_add(Histogram *h, uint64_t ns)
{
    h->count[bucket_of(ns)]++;
    h->total++;
    if (ns > h->max)
        h->max = ns;
}

double histogram_us(const Histogram *h, double quantile)
{
    uint64_t rank = (uint64_t)(quantile * (double)h->total), seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->count[i];
        if (seen > rank)
            return (double)middle_of(i) / 1000.0;
    }
    return (double)h->max / 1000.0;
}
