/*
 * A large COMMIT on two cores. Half of what it takes is to encipher its pages, and the one thread that may write does that page by page
 * while everyone waits for it. Here a helper enciphers pages ahead of the writer, in the order in which they are written, and the
 * writer takes pages of its own when the next one is not ready. The pages, the cipher and the file are the same as without.
 *
 * The pager calls its codec for each page as it writes it; between auraed_commit_begin and auraed_commit_end that is sealed_ahead.
 * At the first page it follows the pager's list of dirty pages, and from then on keeps copies of the next ones in slots. Pages that are
 * written in the middle of a transaction (auraed_commit_ahead) are copied to the slots by one call and written by the next:
 *
 *   page      ... next-1 | next ......... claimed-1 | claimed ....... copied-1 | ...... count-1
 *                written | enciphered, or being so  | copied, nobody's yet     | still to copy
 *
 * A page is handed out only if it still is, byte for byte, what was enciphered; any other goes the stock way. So nothing rests on what the
 * engine does to its list meanwhile. The helper touches slots alone, never the engine's memory, and has a codec context and a copy of
 * the keys of its own, as the stock one unmasks keys in place while it uses them.
 */
#include <openssl/aes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define COMMIT_LANES 16      /* pages enciphered side by side */
#define COMMIT_SLOTS 128     /* pages copied ahead: 1 MiB with what becomes of them */
#define COMMIT_PAGES_MIN 32  /* fewer are not worth waking anyone */
#define COMMIT_NEWEST 64     /* pages at the file's end that may still be filled */
#define COMMIT_TABLE_LEAF 13 /* the type of a b-tree page of rows (the file format, section 1.6) */
#define COMMIT_LISTS_MAX 4   /* how often a COMMIT is looked at anew: pages may be written one at a time before its own list */

enum { SLOT_COPIED, SLOT_SEALED, SLOT_FAILED };

typedef struct commit_slot {
  Pgno number;
  unsigned char *plain;
  unsigned char *sealed;
  int is_appended; /* and so of no use in the cache once it is written */
  atomic_int state;
} commit_slot;

typedef struct auraed_commit {
  Pager *pager;
  codec_ctx *stock;
  codec_ctx own; /* the helper's: the stock one with other keys */
  unsigned char *pages;
  commit_slot slots[COMMIT_SLOTS];
  PgHdr **list;
  unsigned list_max;
  unsigned count;
  unsigned next;
  int lists_left;
  atomic_uint copied;
  _Atomic uint64_t claimed; /* the list's number above the page's, so that nobody claims pages of a list that he saw before */
  pthread_t thread;
  pthread_mutex_t gate;
  pthread_cond_t come;
  int has_thread;
  int is_ending;
  atomic_int is_waiting;
  Pgno appended; /* the last page of the transaction's new ones that was looked at */
  log_gather gather;
} auraed_commit;

static EVP_CIPHER *block_cipher = NULL; /* AES-256-ECB: a block by itself */
static __thread auraed_commit *commit_now = NULL;

/*
 * AES-256-CBC (NIST SP 800-38A) of several pages, block by block side by side. Within a page each block waits for the one before, which leaves most of
 * the processor idle; pages wait for nothing. Each starts from the vector at its end.
 */
static int commit_crypt(const unsigned char *key, commit_slot **slots, int lanes, int size) {
  unsigned char in[COMMIT_LANES * AES_BLOCK_SIZE], out[COMMIT_LANES * AES_BLOCK_SIZE];
  int at, lane, length, done;
  EVP_CIPHER_CTX *state = EVP_CIPHER_CTX_new();
  done = state != NULL && EVP_EncryptInit_ex2(state, block_cipher, key, NULL, NULL) && EVP_CIPHER_CTX_set_padding(state, 0);
  for (lane = 0; lane < lanes; lane++) memcpy(out + lane * AES_BLOCK_SIZE, slots[lane]->sealed + size, AES_BLOCK_SIZE);
  for (at = 0; done && at < size; at += AES_BLOCK_SIZE) {
    for (lane = 0; lane < lanes; lane++) {
      uint64_t a[2], b[2];
      memcpy(a, out + lane * AES_BLOCK_SIZE, AES_BLOCK_SIZE);
      memcpy(b, slots[lane]->plain + at, AES_BLOCK_SIZE);
      a[0] ^= b[0];
      a[1] ^= b[1];
      memcpy(in + lane * AES_BLOCK_SIZE, a, AES_BLOCK_SIZE);
    }
    done = EVP_EncryptUpdate(state, out, &length, in, lanes * AES_BLOCK_SIZE) && length == lanes * AES_BLOCK_SIZE;
    for (lane = 0; lane < lanes; lane++) memcpy(slots[lane]->sealed + at, out + lane * AES_BLOCK_SIZE, AES_BLOCK_SIZE);
  }
  EVP_CIPHER_CTX_free(state);
  OPENSSL_cleanse(in, sizeof(in));
  return done;
}

static int commit_hmac(codec_ctx *context, commit_slot **slots, int count, int length) {
  cipher_ctx *keys = context->write_ctx;
  unsigned char *pages[LANES], *macs[LANES];
  Pgno numbers[LANES];
  int lane, done = 1;
  for (lane = 0; lane < count; lane++) {
    numbers[lane] = slots[lane]->number;
    pages[lane] = slots[lane]->sealed;
    macs[lane] = slots[lane]->sealed + length;
  }
  if (lanes_page_hmac(context, keys, numbers, pages, count, length, macs)) return 1;
  for (lane = 0; lane < count && done; lane++) done = sqlcipher_page_hmac(context, keys, numbers[lane], pages[lane], length, macs[lane]) == SQLITE_OK;
  return done;
}

/* As sqlcipher_page_cipher does it for one. */
static int commit_seal(codec_ctx *context, commit_slot **slots, int lanes) {
  cipher_ctx *keys = context->write_ctx;
  int size = context->page_sz - context->reserve_sz, lane, done = 1;
  for (lane = 0; lane < lanes && done; lane++) {
    done = context->provider->random(context->provider_ctx, slots[lane]->sealed + size, context->reserve_sz) == SQLITE_OK;
  }
  sqlcipher_shield(keys->key, context->key_sz);
  done = done && commit_crypt(keys->key, slots, lanes, size);
  sqlcipher_shield(keys->key, context->key_sz);
  for (lane = 0; lane < lanes && done && SQLCIPHER_FLAG_GET(context->flags, CIPHER_FLAG_HMAC); lane += LANES) {
    done = commit_hmac(context, slots + lane, lanes - lane < LANES ? lanes - lane : LANES, size + context->iv_sz);
  }
  return done;
}

static unsigned commit_claimed(auraed_commit *commit) { return (unsigned)atomic_load(&commit->claimed); }

/* Enciphers the next pages that are nobody's. False when there are none. */
static int commit_seal_next(auraed_commit *commit, codec_ctx *context) {
  commit_slot *slots[COMMIT_LANES];
  uint64_t claimed = atomic_load(&commit->claimed);
  unsigned mine, copied;
  int lanes, lane, state;
  do {
    mine = (unsigned)claimed;
    copied = atomic_load(&commit->copied);
    if (mine >= copied) return 0;
    lanes = copied - mine < COMMIT_LANES ? (int)(copied - mine) : COMMIT_LANES;
  } while (!atomic_compare_exchange_weak(&commit->claimed, &claimed, claimed + lanes));
  for (lane = 0; lane < lanes; lane++) slots[lane] = &commit->slots[(mine + lane) % COMMIT_SLOTS];
  state = commit_seal(context, slots, lanes) ? SLOT_SEALED : SLOT_FAILED;
  for (lane = 0; lane < lanes; lane++) atomic_store(&slots[lane]->state, state);
  return 1;
}

static void *commit_help(void *argument) {
  auraed_commit *commit = argument;
  pthread_mutex_lock(&commit->gate);
  while (!commit->is_ending) {
    pthread_mutex_unlock(&commit->gate);
    while (commit_seal_next(commit, &commit->own)) {
    }
    pthread_mutex_lock(&commit->gate);
    while (!commit->is_ending && commit_claimed(commit) >= atomic_load(&commit->copied)) {
      atomic_store(&commit->is_waiting, 1);
      pthread_cond_wait(&commit->come, &commit->gate);
    }
    atomic_store(&commit->is_waiting, 0);
  }
  pthread_mutex_unlock(&commit->gate);
  OPENSSL_cleanse(drawn, sizeof(drawn));
  return NULL;
}

static void commit_wake(auraed_commit *commit) {
  pthread_mutex_lock(&commit->gate);
  pthread_cond_signal(&commit->come);
  pthread_mutex_unlock(&commit->gate);
}

/* Nobody is at a slot after this, and none is filled. */
static void commit_drop_list(auraed_commit *commit) {
  uint64_t list = (atomic_load(&commit->claimed) >> 32) + 1;
  unsigned mine = (unsigned)atomic_exchange(&commit->claimed, list << 32 | UINT_MAX);
  unsigned copied = atomic_load(&commit->copied), i;
  for (i = commit->next; i < copied && i < mine; i++) {
    while (atomic_load(&commit->slots[i % COMMIT_SLOTS].state) == SLOT_COPIED) sched_yield();
  }
  commit->count = commit->next = 0;
  atomic_store(&commit->copied, 0);
  atomic_store(&commit->claimed, list << 32);
}

static int commit_has_room(auraed_commit *commit, unsigned count) {
  if (count == commit->list_max) {
    unsigned wanted = commit->list_max == 0 ? 1024 : 2 * commit->list_max;
    PgHdr **list = sqlite3_realloc64(commit->list, wanted * sizeof(PgHdr *));
    if (list == NULL) return 0;
    commit->list = list;
    commit->list_max = wanted;
  }
  return 1;
}

/* The pages that the pager is about to write, from this one on. */
static void commit_take_list(auraed_commit *commit, Pgno number) {
  PgHdr *page;
  unsigned count = 0;
  commit_drop_list(commit);
  if (commit->lists_left <= 0) return;
  commit->lists_left--;
  for (page = commit->pager->pPCache->pDirty; page != NULL && page->pgno != number; page = page->pDirtyNext) {
  }
  for (; page != NULL; page = page->pDirty) {
    if (!commit_has_room(commit, count)) return;
    commit->list[count++] = page;
  }
  if (count >= COMMIT_PAGES_MIN) commit->count = count;
}

static void commit_copy_ahead(auraed_commit *commit) {
  unsigned copied = atomic_load(&commit->copied);
  for (; copied < commit->count && copied < commit->next + COMMIT_SLOTS; copied++) {
    commit_slot *slot = &commit->slots[copied % COMMIT_SLOTS];
    slot->number = commit->list[copied]->pgno;
    memcpy(slot->plain, commit->list[copied]->pData, commit->stock->page_sz);
    atomic_store(&slot->state, SLOT_COPIED);
    atomic_store(&commit->copied, copied + 1);
    /* If it is just about to sleep, the next page wakes it. */
    if (copied + 1 - commit_claimed(commit) > COMMIT_PAGES_MIN / 2 && atomic_load(&commit->is_waiting)) commit_wake(commit);
  }
}

static void *sealed_ahead(void *context, void *data, Pgno number, int mode) {
  auraed_commit *commit = commit_now;
  commit_slot *slot;
  /* The first page's header is not enciphered. */
  if (mode != CODEC_WRITE_OP || commit == NULL || commit->stock != context || number == 1) return sqlite3Codec(context, data, number, mode);
  if (commit->next >= commit->count || commit->list[commit->next]->pgno != number) {
    commit_take_list(commit, number);
    if (commit->count == 0) return sqlite3Codec(context, data, number, mode);
  }
  commit_copy_ahead(commit);
  slot = &commit->slots[commit->next % COMMIT_SLOTS];
  while (atomic_load(&slot->state) == SLOT_COPIED) {
    if (!commit_seal_next(commit, commit->stock)) sched_yield();
  }
  commit->next++;
  if (atomic_load(&slot->state) != SLOT_SEALED || slot->number != number || memcmp(slot->plain, data, commit->stock->page_sz) != 0) {
    return sqlite3Codec(context, data, number, mode);
  }
  return slot->sealed;
}

/* The state of a connection's commits; NULL for want of memory. Free it before the connection. */
auraed_commit *auraed_commit_new(void) {
  auraed_commit *commit = sqlite3_malloc(sizeof(auraed_commit));
  if (commit == NULL) return NULL;
  memset(commit, 0, sizeof(auraed_commit));
  pthread_mutex_init(&commit->gate, NULL);
  pthread_cond_init(&commit->come, NULL);
  return commit;
}

static int commit_prepare(auraed_commit *commit, codec_ctx *stock) {
  pthread_attr_t attributes;
  sigset_t all, before;
  unsigned i;
  int code;
  if (commit->has_thread) return 1;
  if (commit->own.write_ctx == NULL) {
    commit->own.key_sz = stock->key_sz;
    if (sqlcipher_cipher_ctx_init(stock, &commit->own.write_ctx) != SQLITE_OK && commit->own.write_ctx != NULL) {
      sqlcipher_cipher_ctx_free(&commit->own, &commit->own.write_ctx);
      commit->own.write_ctx = NULL;
    }
    if (commit->own.write_ctx == NULL) return 0;
  }
  if (commit->pages == NULL && (commit->pages = sqlite3_malloc64((sqlite3_uint64)COMMIT_SLOTS * 2 * stock->page_sz)) == NULL) return 0;
  for (i = 0; i < COMMIT_SLOTS; i++) {
    commit->slots[i].plain = commit->pages + (size_t)2 * i * stock->page_sz;
    commit->slots[i].sealed = commit->slots[i].plain + stock->page_sz;
  }
  /* Signals are the daemon's. */
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  code = pthread_create(&commit->thread, &attributes, commit_help, commit);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return commit->has_thread = code == 0;
}

/* Whether pages can be enciphered beside the engine, with the keys that it has now. Nobody may be at a slot. */
static int commit_take_keys(auraed_commit *commit, Pager *pager) {
  codec_ctx *stock = pager->pCodec;
  cipher_ctx *keys;
  if (pager->xCodec != sqlite3Codec || stock->error != SQLITE_OK || stock->write_ctx->derive_key) return 0;
  if (stock->key_sz != EVP_CIPHER_get_key_length(block_cipher) || stock->iv_sz != AES_BLOCK_SIZE || (stock->page_sz - stock->reserve_sz) % AES_BLOCK_SIZE != 0) return 0;
  if (commit->has_thread && (commit->own.page_sz != stock->page_sz || commit->own.key_sz != stock->key_sz)) return 0;
  if (!commit_prepare(commit, stock)) return 0;
  keys = commit->own.write_ctx;
  memcpy(keys->key, stock->write_ctx->key, stock->key_sz);
  memcpy(keys->hmac_key, stock->write_ctx->hmac_key, stock->key_sz);
  commit->own = *stock;
  commit->own.write_ctx = commit->own.read_ctx = keys;
  commit->stock = stock;
  return 1;
}

static void commit_hand_out(auraed_commit *commit, Pager *pager) {
  commit_now = commit;
  pager->xCodec = sealed_ahead;
}

/* Before a COMMIT of this connection, on its thread. What cannot be had is done without. */
void auraed_commit_begin(auraed_commit *commit, sqlite3 *db) {
  Pager *pager = sqlite3BtreePager(db->aDb[0].pBt);
  commit_drop_list(commit);
  commit->pager = pager;
  commit->lists_left = COMMIT_LISTS_MAX;
  gather_begin(&commit->gather, pager);
  if (pager->pPCache->nDirty >= COMMIT_PAGES_MIN && commit_take_keys(commit, pager)) commit_hand_out(commit, pager);
}

/* Whether COMMITs of a connection in synchronous=NORMAL sync the log before anyone sees them, as in FULL. A PRAGMA cannot say so inside a transaction. */
void auraed_commit_sync(sqlite3 *db, int isOn) {
  Pager *pager = sqlite3BtreePager(db->aDb[0].pBt);
  pager->walSyncFlags = isOn || pager->fullSync ? pager->walSyncFlags | pager->syncFlags : pager->walSyncFlags & ~0x03;
}

/* After it, whatever came of it. */
void auraed_commit_end(auraed_commit *commit) {
  gather_end(&commit->gather, commit->pager);
  if (commit_now != commit) return;
  commit_drop_list(commit);
  commit->pager->xCodec = sqlite3Codec;
  commit_now = NULL;
}

/* A page that the cache has; NULL when it has not, or when someone is at it. It is held when it is not changed: give it back. */
static PgHdr *commit_find(PCache *cache, Pgno number) {
  sqlite3_pcache_page *found = sqlite3PcacheFetch(cache, number, 0);
  return found == NULL || ((PgHdr *)found->pExtra)->nRef != 0 ? NULL : found->pExtra;
}

static int commit_is_leaf(PgHdr *page) { return *(unsigned char *)page->pData == COMMIT_TABLE_LEAF; }

/* Lists leaves of tables that the transaction added: rows come at a table's end, so that such a page, once others came after it, is not touched again. */
static unsigned commit_list_appended(auraed_commit *commit, Pager *pager, unsigned max) {
  PCache *cache = pager->pPCache;
  unsigned count = 0;
  while (count < max && commit->appended + COMMIT_NEWEST < pager->dbSize && commit_has_room(commit, count)) {
    PgHdr *page = commit_find(cache, ++commit->appended);
    if (page == NULL) continue;
    if ((page->flags & PGHDR_DIRTY) == 0) {
      sqlite3GlobalConfig.pcache2.xUnpin(cache->pCache, page->pPage, 0);
    } else if (commit_is_leaf(page)) {
      commit->list[count++] = page;
    }
  }
  return count;
}

/* Lists changed pages, those that were left alone the longest, behind the first ones, which are all leaves of tables with a number above from. */
static unsigned commit_list_oldest(auraed_commit *commit, Pager *pager, Pgno from, unsigned count, unsigned max) {
  PgHdr *page;
  for (page = pager->pPCache->pDirtyTail; page != NULL && count < max && commit_has_room(commit, count); page = page->pDirtyPrev) {
    int is_listed = page->pgno > from && page->pgno <= commit->appended && commit_is_leaf(page);
    if (page->nRef == 0 && !is_listed) commit->list[count++] = page;
  }
  return count;
}

/* Has the cache take this page's room before any other's, when it wants some. Does nothing to one that is in use or changed. */
static void commit_put_last(PCache *cache, Pgno number) {
  PgHdr *page = commit_find(cache, number);
  PgHdr1 *slot;
  PGroup *group;
  if (page == NULL || (page->flags & PGHDR_DIRTY) != 0) return;
  /* It is held now, and so in no list. */
  slot = (PgHdr1 *)page->pPage;
  group = slot->pCache->pGroup;
  pcache1EnterMutex(group);
  slot->pLruNext = &group->lru;
  (slot->pLruPrev = group->lru.pLruPrev)->pLruNext = slot;
  group->lru.pLruPrev = slot;
  slot->pCache->nRecyclable++;
  pcache1LeaveMutex(group);
}

/* Writes the pages that were given to the helper, but for those that were changed since. */
static int commit_settle(auraed_commit *commit, Pager *pager) {
  PCache *cache = pager->pPCache;
  unsigned i, count = commit->count;
  int done = 0, code = SQLITE_OK;
  if (count == 0) return 0;
  if (pager->xCodec != sqlite3Codec || pager->pCodec != commit->stock || CRYPTO_memcmp(commit->own.write_ctx->key, commit->stock->write_ctx->key, commit->own.key_sz) != 0) {
    commit_drop_list(commit);
    return 0;
  }
  commit->pager = pager;
  commit->lists_left = 0;
  gather_begin(&commit->gather, pager);
  commit_hand_out(commit, pager);
  for (i = 0; i < count && code == SQLITE_OK; i++) {
    commit_slot *slot = &commit->slots[i % COMMIT_SLOTS];
    Pgno number = slot->number;
    PgHdr *page = commit_find(cache, number);
    if (page == NULL) continue;
    if ((page->flags & PGHDR_DIRTY) == 0) {
      sqlite3GlobalConfig.pcache2.xUnpin(cache->pCache, page->pPage, 0);
    } else if (memcmp(slot->plain, page->pData, commit->stock->page_sz) == 0) {
      int is_appended = slot->is_appended;
      commit->list[commit->next = i] = page;
      code = pagerStress(pager, page);
      if (code == SQLITE_OK) done++;
      if (code == SQLITE_OK && is_appended) commit_put_last(cache, number);
    }
  }
  commit->next = 0;
  auraed_commit_end(commit);
  return done;
}

/*
 * Writes pages to the log in the middle of a transaction, so that the COMMIT has fewer to write while everyone waits for it. To the engine it is what it does by itself when
 * its cache is full (pagerStress). First those that the call before gave to the helper; then it is given others, at most so many: leaves of tables that were added, and those left alone the
 * longest of what more than keep wait. Between statements, outside savepoints, on the connection's thread. Returns how many pages were written or given away. After a failure the
 * transaction is one that the engine has given up, as its next statement says.
 */
int auraed_commit_ahead(auraed_commit *commit, sqlite3 *db, int keep, int max) {
  Pager *pager = sqlite3BtreePager(db->aDb[0].pBt);
  unsigned count = 0, appended, i;
  int done;
  Pgno from;
  if (db->nSavepoint != 0 || !pagerUseWal(pager) || pager->eState != PAGER_WRITER_CACHEMOD || pager->errCode != SQLITE_OK || pager->doNotSpill) return 0;
  done = commit_settle(commit, pager);
  if (pager->errCode != SQLITE_OK) return done;
  if (max > COMMIT_SLOTS) max = COMMIT_SLOTS;
  if (commit->appended < pager->dbOrigSize || commit->appended > pager->dbSize) commit->appended = pager->dbOrigSize;
  from = commit->appended;
  if (commit->appended + COMMIT_NEWEST + COMMIT_PAGES_MIN < pager->dbSize) count = commit_list_appended(commit, pager, max);
  appended = count;
  if (pager->pPCache->nDirty > keep + (int)appended) {
    int over = pager->pPCache->nDirty - keep;
    count = commit_list_oldest(commit, pager, from, count, over < max ? over : max);
  }
  if (count >= COMMIT_PAGES_MIN && commit_take_keys(commit, pager)) {
    for (i = 0; i < count; i++) commit->slots[i].is_appended = i < appended;
    commit->count = count;
    commit_copy_ahead(commit);
    return done + count;
  }
  gather_begin(&commit->gather, pager);
  for (i = 0; i < count && pagerStress(pager, commit->list[i]) == SQLITE_OK; i++) {
  }
  gather_end(&commit->gather, pager);
  return done + (int)i;
}

void auraed_commit_free(auraed_commit *commit) {
  if (commit->has_thread) {
    pthread_mutex_lock(&commit->gate);
    commit->is_ending = 1;
    pthread_cond_signal(&commit->come);
    pthread_mutex_unlock(&commit->gate);
    pthread_join(commit->thread, NULL);
  }
  if (commit->own.write_ctx != NULL) sqlcipher_cipher_ctx_free(&commit->own, &commit->own.write_ctx);
  if (commit->pages != NULL) OPENSSL_cleanse(commit->pages, (size_t)COMMIT_SLOTS * 2 * commit->own.page_sz);
  sqlite3_free(commit->pages);
  sqlite3_free(commit->gather.bytes);
  sqlite3_free(commit->list);
  pthread_cond_destroy(&commit->come);
  pthread_mutex_destroy(&commit->gate);
  sqlite3_free(commit);
}
