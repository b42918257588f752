/*
 * Pages that lie one behind the other are read several at a time, and their HMACs are made side by side. The engine reads a chain of pages one by one, a call for each, and
 * checks each before it asks for the next. Between auraed_ahead_begin and auraed_ahead_end, which enclose one transaction of a reader, a page that follows the one that was
 * read last brings those behind it along.
 *
 * What is kept is what the file says, and good for as long as the transaction: a page that changes meanwhile is in the log, and a checkpoint writes none into the file that this
 * snapshot would read from there. A page's HMAC is handed out only for the same bytes, the same number and the same key; any other is made the stock way, so that a
 * page whose seal does not hold is found as ever.
 */
#define AHEAD_PAGES 16
#define AHEAD_CACHE (-1024) /* KiB of the page cache meanwhile: of pages that are read once only the inner ones above them are wanted again */

typedef struct auraed_ahead {
  sqlite3 *db;
  sqlite3_file *file;
  const sqlite3_io_methods *stock;
  sqlite3_io_methods methods;
  codec_ctx *codec;
  EVP_CIPHER_CTX *cipher; /* with the key's schedule; from the first page on, until the end */
  unsigned char *bytes;
  sqlite3_int64 room; /* of bytes */
  sqlite3_int64 from; /* what is kept, in the file */
  sqlite3_int64 to;
  sqlite3_int64 next; /* where one who reads on would */
  sqlite3_int64 size; /* of the file; -1 when not asked yet */
  int has_macs;
  unsigned char macs[AHEAD_PAGES][SHA256_DIGEST_LENGTH];
} auraed_ahead;

static __thread auraed_ahead *ahead_now = NULL;

static int ahead_length(const codec_ctx *codec) { return codec->page_sz - codec->reserve_sz + codec->iv_sz; }

static void ahead_hash(auraed_ahead *ahead) {
  codec_ctx *codec = ahead->codec;
  int pages = (int)((ahead->to - ahead->from) / codec->page_sz), first, at;
  Pgno number = (Pgno)(ahead->from / codec->page_sz) + 1;
  ahead->has_macs = 1;
  for (first = 0; first < pages && ahead->has_macs; first += LANES) {
    unsigned char *page[LANES], *mac[LANES];
    Pgno numbers[LANES];
    int count = pages - first < LANES ? pages - first : LANES;
    for (at = 0; at < count; at++) {
      page[at] = ahead->bytes + (sqlite3_int64)(first + at) * codec->page_sz;
      mac[at] = ahead->macs[first + at];
      numbers[at] = number + first + at;
    }
    ahead->has_macs = lanes_page_hmac(codec, codec->read_ctx, numbers, page, count, ahead_length(codec), mac);
  }
}

/* Whole pages from here on, as many as there are. */
static int ahead_fill(auraed_ahead *ahead, sqlite3_int64 offset) {
  sqlite3_int64 length;
  if (ahead->size < 0 && ahead->stock->xFileSize(ahead->file, &ahead->size) != SQLITE_OK) return 0;
  length = ahead->size - offset < ahead->room ? ahead->size - offset : ahead->room;
  length -= length % ahead->codec->page_sz;
  ahead->from = ahead->to = 0;
  if (length < 2 * ahead->codec->page_sz || ahead->stock->xRead(ahead->file, ahead->bytes, (int)length, offset) != SQLITE_OK) return 0;
  ahead->from = offset;
  ahead->to = offset + length;
  ahead_hash(ahead);
  return 1;
}

static int ahead_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset) {
  auraed_ahead *ahead = ahead_now;
  int is_next = offset == ahead->next, is_page = length == ahead->codec->page_sz && offset % length == 0;
  ahead->next = offset + length;
  if (!is_page || ((offset < ahead->from || offset >= ahead->to) && !(is_next && ahead_fill(ahead, offset)))) return ahead->stock->xRead(file, data, length, offset);
  memcpy(data, ahead->bytes + (offset - ahead->from), length);
  return SQLITE_OK;
}

/* The HMAC of a page that is kept, asked for by the provider. False when it is not kept. */
static int ahead_hmac(const unsigned char *key, const unsigned char *in, int in_sz, const unsigned char *in2, int in2_sz, unsigned char *out) {
  auraed_ahead *ahead = ahead_now;
  sqlite3_int64 at;
  if (ahead == NULL || !ahead->has_macs || key != ahead->codec->read_ctx->hmac_key || in_sz != ahead_length(ahead->codec) || in2_sz != sizeof(Pgno)) return 0;
  at = ((sqlite3_int64)(in2[0] | in2[1] << 8 | in2[2] << 16 | (u32)in2[3] << 24) - 1) * ahead->codec->page_sz;
  if (at < ahead->from || at >= ahead->to || memcmp(in, ahead->bytes + (at - ahead->from), in_sz) != 0) return 0;
  memcpy(out, ahead->macs[(at - ahead->from) / ahead->codec->page_sz], SHA256_DIGEST_LENGTH);
  return 1;
}

/* A cipher's state with this page's vector, for pages of this transaction: its key is scheduled once. NULL for any other. */
static EVP_CIPHER_CTX *ahead_cipher(int mode, const unsigned char *key, const unsigned char *iv) {
  auraed_ahead *ahead = ahead_now;
  if (ahead == NULL || mode != SQLCIPHER_DECRYPT || key != ahead->codec->read_ctx->key) return NULL;
  if (ahead->cipher != NULL) return EVP_CipherInit_ex2(ahead->cipher, NULL, NULL, iv, -1, NULL) ? ahead->cipher : NULL;
  ahead->cipher = EVP_CIPHER_CTX_new();
  if (ahead->cipher != NULL && EVP_CipherInit_ex2(ahead->cipher, page_cipher, key, iv, mode, NULL) && EVP_CIPHER_CTX_set_padding(ahead->cipher, 0)) return ahead->cipher;
  EVP_CIPHER_CTX_free(ahead->cipher);
  ahead->cipher = NULL;
  return NULL;
}

/* What a connection reads ahead with; NULL for want of memory. Free it before the connection. */
auraed_ahead *auraed_ahead_new(void) {
  auraed_ahead *ahead = sqlite3_malloc(sizeof(auraed_ahead));
  if (ahead != NULL) memset(ahead, 0, sizeof(auraed_ahead));
  return ahead;
}

/* On the connection's thread, which does nothing with another one meanwhile. What cannot be had is done without. */
void auraed_ahead_begin(auraed_ahead *ahead, sqlite3 *db) {
  Pager *pager = sqlite3BtreePager(db->aDb[0].pBt);
  codec_ctx *codec = pager->pCodec;
  if (ahead_now != NULL || codec == NULL || pager->xCodec != sqlite3Codec || pager->fd->pMethods == NULL) return;
  if (codec->error != SQLITE_OK || codec->read_ctx->derive_key || codec->page_sz != pager->pageSize) return;
  if (ahead->bytes == NULL) {
    ahead->room = (sqlite3_int64)AHEAD_PAGES * codec->page_sz;
    if ((ahead->bytes = sqlite3_malloc64(ahead->room)) == NULL) return;
  }
  sqlite3PagerSetCachesize(pager, AHEAD_CACHE);
  ahead->db = db;
  ahead->file = pager->fd;
  ahead->codec = codec;
  ahead->stock = pager->fd->pMethods;
  ahead->methods = *ahead->stock;
  ahead->methods.xRead = ahead_read;
  ahead->from = ahead->to = 0;
  ahead->next = ahead->size = -1;
  ahead->has_macs = 0;
  ahead->file->pMethods = &ahead->methods;
  ahead_now = ahead;
}

/* Before the transaction ends. */
void auraed_ahead_end(auraed_ahead *ahead) {
  if (ahead_now != ahead) return;
  ahead->file->pMethods = ahead->stock;
  EVP_CIPHER_CTX_free(ahead->cipher);
  ahead->cipher = NULL;
  sqlite3PagerSetCachesize(sqlite3BtreePager(ahead->db->aDb[0].pBt), ahead->db->aDb[0].pSchema->cache_size);
  ahead_now = NULL;
}

void auraed_ahead_free(auraed_ahead *ahead) {
  auraed_ahead_end(ahead);
  sqlite3_free(ahead->bytes);
  sqlite3_free(ahead);
}
