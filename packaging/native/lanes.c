/*
 * SHA-256 (FIPS 180-4) of several messages side by side. Each round waits for the one before, which leaves half of a processor's SHA unit idle; rounds of another message wait for
 * nothing. The rounds are OpenSSL's, its block function for several messages, which its TLS has used for a decade; it is in the static library of x86-64 alone. Elsewhere, and
 * where it does not say what its own SHA256 says of a few messages at the first use, messages are hashed one by one, with the same result.
 */
#define LANES 4

static void hash_one_by_one(const unsigned char *bytes, const int *lengths, int count, unsigned char *hashes) {
  int at;
  for (at = 0; at < count; at++) {
    SHA256(bytes, lengths[at], hashes + (size_t)at * SHA256_DIGEST_LENGTH);
    bytes += lengths[at];
  }
}

#if defined(__x86_64__)
typedef struct lanes_state {
  unsigned int word[8][8]; /* word, lane; the second half of the lanes is for processors that take eight */
} lanes_state;

typedef struct lanes_input {
  const unsigned char *bytes;
  int blocks;
} lanes_input;

extern void sha256_multi_block(lanes_state *state, const lanes_input *input, int fours);

/* One message on its way: whole blocks, then what is left with its padding. */
typedef struct lane {
  const unsigned char *bytes;
  size_t blocks;
  unsigned char tail[2 * SHA256_CBLOCK];
  int tail_blocks;
  int is_tail;
  int message;
} lane;

static void lanes_start(lanes_state *state, int at, const unsigned int *from) {
  int word;
  for (word = 0; word < 8; word++) state->word[word][at] = from[word];
}

static void lanes_put(unsigned char *out, unsigned int word) {
  out[0] = word >> 24;
  out[1] = word >> 16;
  out[2] = word >> 8;
  out[3] = word;
}

static void lanes_digest(const lanes_state *state, int at, unsigned char *hash) {
  int word;
  for (word = 0; word < 8; word++) lanes_put(hash + 4 * word, state->word[word][at]);
}

/* The padding of a message of so many bytes, of which these are what is left behind its whole blocks. Returns blocks. */
static int lanes_pad(unsigned char *tail, const unsigned char *left, size_t length, uint64_t total) {
  int blocks = length + 9 > SHA256_CBLOCK ? 2 : 1;
  memset(tail, 0, 2 * SHA256_CBLOCK);
  if (length > 0) memcpy(tail, left, length);
  tail[length] = 0x80;
  lanes_put(tail + blocks * SHA256_CBLOCK - 8, (unsigned int)(total >> 29));
  lanes_put(tail + blocks * SHA256_CBLOCK - 4, (unsigned int)(total << 3));
  return blocks;
}

/* So many blocks of each of the first lanes. */
static void lanes_run(lanes_state *state, lanes_input *input, int count, int blocks) {
  int at;
  for (at = 0; at < LANES; at++) input[at].blocks = at < count ? blocks : 0;
  sha256_multi_block(state, input, 1);
}

static void lane_begin(lane *one, int message, const unsigned char *bytes, size_t length) {
  one->message = message;
  one->bytes = bytes;
  one->blocks = length / SHA256_CBLOCK;
  one->tail_blocks = lanes_pad(one->tail, bytes + one->blocks * SHA256_CBLOCK, length % SHA256_CBLOCK, length);
  one->is_tail = 0;
}

/* False when the message is through, its padding included. */
static int lane_goes_on(lane *one) {
  if (one->blocks == 0 && !one->is_tail) {
    one->blocks = one->tail_blocks;
    one->is_tail = 1;
  }
  return one->blocks > 0;
}

static void hash_by_lanes(const unsigned char *bytes, const int *lengths, int count, unsigned char *hashes) {
  static const unsigned int first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  lanes_state state __attribute__((aligned(32)));
  lanes_input input[LANES];
  lane lanes[LANES];
  int next = 0, at, word, active = 0;
  memset(&state, 0, sizeof(state));
  for (;;) {
    size_t step = 0;
    for (at = 0; at < active || (at < LANES && next < count);) {
      lane *one = &lanes[at];
      if (at == active) {
        lane_begin(one, next, bytes, lengths[next]);
        lanes_start(&state, at, first);
        bytes += lengths[next++];
        active++;
      }
      if (lane_goes_on(one)) {
        if (step == 0 || one->blocks < step) step = one->blocks;
        at++;
        continue;
      }
      /* The last one takes its place: a pair of idle lanes before others would end the call. */
      lanes_digest(&state, at, hashes + (size_t)one->message * SHA256_DIGEST_LENGTH);
      active--;
      *one = lanes[active];
      for (word = 0; word < 8; word++) state.word[word][at] = state.word[word][active];
    }
    if (active == 0) return;
    for (at = 0; at < active; at++) {
      lane *one = &lanes[at];
      input[at].bytes = one->is_tail ? one->tail + (one->tail_blocks - one->blocks) * SHA256_CBLOCK : one->bytes;
      if (!one->is_tail) one->bytes += step * SHA256_CBLOCK;
      one->blocks -= step;
    }
    lanes_run(&state, input, active, (int)step);
  }
}

static int lanes_are_right = 0;

static void lanes_try(void) {
  static const int lengths[] = {300, 0, 119, 64, 1000, 55, 56};
  enum { COUNT = sizeof(lengths) / sizeof(lengths[0]) };
  unsigned char bytes[2048], one[COUNT * SHA256_DIGEST_LENGTH], other[COUNT * SHA256_DIGEST_LENGTH];
  int at;
  for (at = 0; at < (int)sizeof(bytes); at++) bytes[at] = (unsigned char)(at * at + at / 7);
  hash_one_by_one(bytes, lengths, COUNT, one);
  hash_by_lanes(bytes, lengths, COUNT, other);
  lanes_are_right = memcmp(one, other, sizeof(one)) == 0;
}

static int lanes_work(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  return pthread_once(&once, lanes_try) == 0 && lanes_are_right;
}

/*
 * The HMAC-SHA256 (RFC 2104) of so many bytes of each page, at most LANES pages, and of its number behind them: what sqlcipher_page_hmac makes of one. False when the codec is
 * one for which this is not it.
 */
static int lanes_page_hmac(codec_ctx *context, cipher_ctx *keys, const Pgno *numbers, unsigned char *const *pages, int count, int length, unsigned char *const *macs) {
  SHA256_CTX inner, outer;
  unsigned char pad[SHA256_CBLOCK], tail[LANES][2 * SHA256_CBLOCK];
  lanes_state state __attribute__((aligned(32)));
  lanes_input input[LANES];
  int at, i, blocks = 0, left = length % SHA256_CBLOCK, whole = length - left;
  if (!lanes_work() || context->hmac_algorithm != SQLCIPHER_HMAC_SHA256 || context->key_sz > SHA256_CBLOCK || !SQLCIPHER_FLAG_GET(context->flags, CIPHER_FLAG_LE_PGNO)) return 0;
  memset(pad, 0x36, sizeof(pad));
  sqlcipher_shield(keys->hmac_key, context->key_sz);
  for (i = 0; i < context->key_sz; i++) pad[i] ^= keys->hmac_key[i];
  sqlcipher_shield(keys->hmac_key, context->key_sz);
  i = SHA256_Init(&inner) && SHA256_Update(&inner, pad, sizeof(pad));
  for (at = 0; at < (int)sizeof(pad); at++) pad[at] ^= 0x36 ^ 0x5c;
  i = i && SHA256_Init(&outer) && SHA256_Update(&outer, pad, sizeof(pad));
  OPENSSL_cleanse(pad, sizeof(pad));
  memset(&state, 0, sizeof(state));
  memset(input, 0, sizeof(input));
  for (at = 0; i && at < count; at++) {
    unsigned char end[SHA256_CBLOCK + sizeof(Pgno)];
    memcpy(end, pages[at] + whole, left);
    sqlcipher_put4byte_le(end + left, numbers[at]);
    blocks = lanes_pad(tail[at], end, left + sizeof(Pgno), (uint64_t)SHA256_CBLOCK + length + sizeof(Pgno));
    lanes_start(&state, at, inner.h);
    input[at].bytes = pages[at];
  }
  if (i) {
    lanes_run(&state, input, count, whole / SHA256_CBLOCK);
    for (at = 0; at < count; at++) input[at].bytes = tail[at];
    lanes_run(&state, input, count, blocks);
    for (at = 0; at < count; at++) {
      unsigned char hash[SHA256_DIGEST_LENGTH];
      lanes_digest(&state, at, hash);
      lanes_pad(tail[at], hash, sizeof(hash), SHA256_CBLOCK + sizeof(hash));
      lanes_start(&state, at, outer.h);
    }
    lanes_run(&state, input, count, 1);
    for (at = 0; at < count; at++) lanes_digest(&state, at, macs[at]);
  }
  OPENSSL_cleanse(&inner, sizeof(inner));
  OPENSSL_cleanse(&outer, sizeof(outer));
  OPENSSL_cleanse(&state, sizeof(state));
  return i;
}
#else
static int lanes_work(void) { return 0; }

static void hash_by_lanes(const unsigned char *bytes, const int *lengths, int count, unsigned char *hashes) {}

static int lanes_page_hmac(codec_ctx *context, cipher_ctx *keys, const Pgno *numbers, unsigned char *const *pages, int count, int length, unsigned char *const *macs) {
  return 0;
}
#endif

/* Hashes pieces that stand one behind the other; 32 bytes of hash each. */
void auraed_sha256_pieces(const unsigned char *bytes, const int *lengths, int count, unsigned char *hashes) {
  if (lanes_work()) hash_by_lanes(bytes, lengths, count, hashes);
  else hash_one_by_one(bytes, lengths, count, hashes);
}
