/*
 * Damage of the disk, as the engine and its codec cannot be asked about it. A page whose seal does not hold ends a connection for good (the codec keeps the error and
 * answers zeros), so what is damaged is looked at here beside the pager: read from the log or the file, checked, deciphered, and nothing of it kept in any cache.
 *
 * A row whose bytes go over its leaf lies in a chain of overflow pages (SQLite's file format, 1.6):
 *
 *   leaf cell  payload size | row number | first bytes of the payload | number of the first page
 *   page       number of the next page, 0 at the end (4 bytes) | the next bytes of the payload
 *
 * The engine cannot replace or delete a row without that chain, and a damaged page does not say where it goes on. Two things do: the payload, when it is known, since
 * the page that goes on holds what comes next in it; and what is still legible of the damaged page together with the place where a chain usually goes on, the page behind.
 * What is legible alone is no proof: a page followed by mistake would be another row's, and freed with this one.
 */
#define MEND_PAGES_MAX 64 /* damaged pages of one row */
#define MEND_DEPTH_MAX 20
#define MEND_NEAR 256     /* pages on either side in which a chain is looked for: the engine takes the nearest free one */
#define MEND_PROOF_MIN 32 /* bytes that are the same */
#define MEND_CELL_MAX 22  /* bytes of a cell before its payload: a page and two numbers of 9 */

enum { PAGE_SOUND, PAGE_DAMAGED, PAGE_ILLEGIBLE };

typedef struct mend_state {
  Pager *pager;
  codec_ctx *codec;
  int usable; /* bytes of a page that the engine uses; the codec may leave it more */
  const unsigned char *first; /* the file's first page */
  unsigned char *sealed;      /* a page as it is on the disk */
  unsigned char *plain;
  unsigned char *other;
} mend_state;

/* True when the codec of this connection has met a page that it could not open: every later answer of the connection is worthless. */
int auraed_seal_broken(sqlite3 *db) {
  codec_ctx *codec = sqlite3BtreePager(db->aDb[0].pBt)->pCodec;
  return codec != NULL && codec->error != SQLITE_OK;
}

/* The page as the transaction of this connection sees it. */
static int mend_look(mend_state *state, Pgno number, unsigned char *plain) {
  codec_ctx *codec = state->codec;
  cipher_ctx *keys = codec->read_ctx;
  int size = codec->page_sz - codec->reserve_sz, code = SQLITE_OK, is_sound;
  unsigned char seal[SHA512_DIGEST_LENGTH];
  u32 frame = 0;
  DbPage *cached = sqlite3PagerLookup(state->pager, number);
  memset(plain, 0, codec->page_sz);
  if (cached != NULL) {
    memcpy(plain, sqlite3PagerGetData(cached), codec->page_sz);
    sqlite3PagerUnref(cached);
    return PAGE_SOUND;
  }
  if (pagerUseWal(state->pager)) code = sqlite3WalFindFrame(state->pager->pWal, number, &frame);
  if (code == SQLITE_OK) {
    code = frame != 0 ? sqlite3WalReadFrame(state->pager->pWal, frame, codec->page_sz, state->sealed)
                      : sqlite3OsRead(state->pager->fd, state->sealed, codec->page_sz, (i64)(number - 1) * codec->page_sz);
  }
  if (code != SQLITE_OK || sqlcipher_page_hmac(codec, keys, number, state->sealed, size + codec->iv_sz, seal) != SQLITE_OK) return PAGE_ILLEGIBLE;
  is_sound = memcmp(state->sealed + size + codec->iv_sz, seal, codec->hmac_sz) == 0;
  sqlcipher_shield(keys->key, codec->key_sz);
  code = codec->provider->cipher(codec->provider_ctx, SQLCIPHER_DECRYPT, keys->key, codec->key_sz, state->sealed + size, state->sealed, size, plain);
  sqlcipher_shield(keys->key, codec->key_sz);
  return code != SQLITE_OK ? PAGE_ILLEGIBLE : is_sound ? PAGE_SOUND : PAGE_DAMAGED;
}

static int mend_in_file(mend_state *state, Pgno number) {
  return number >= 2 && number <= state->pager->dbSize && number != PAGER_SJ_PGNO(state->pager);
}

static Pgno mend_child(const unsigned char *page, int cells, int index) {
  return index < cells ? get4byte(page + get2byte(page + 12 + 2 * index)) : get4byte(page + 8);
}

/* True when the pages are sound that the engine may read beside a child that loses or gains a row: its neighbours, up to three in all. */
static int mend_neighbours(mend_state *state, int cells, int index) {
  int first = index == 0 ? 0 : index < cells ? index - 1 : index - 2, last = index == 0 ? 2 : index < cells ? index + 1 : index;
  for (first = first < 0 ? 0 : first; first <= last && first <= cells; first++) {
    Pgno number = mend_child(state->plain, cells, first);
    if (first != index && (!mend_in_file(state, number) || mend_look(state, number, state->other) != PAGE_SOUND)) return 0;
  }
  return 1;
}

/* The cell of the row into state->plain; its offset there, 0 when there is none, -1 when a page on the way or beside it is damaged. */
static int mend_find(mend_state *state, Pgno number, i64 row) {
  unsigned char *page = state->plain;
  int depth, cells, index, is_leaf;
  for (depth = 0; depth < MEND_DEPTH_MAX; depth++) {
    if (!mend_in_file(state, number) || mend_look(state, number, page) != PAGE_SOUND || (page[0] != 0x05 && page[0] != 0x0d)) return -1;
    is_leaf = page[0] == 0x0d;
    cells = get2byte(page + 3);
    if (cells * 2 + 12 > state->usable) return -1;
    for (index = 0; index < cells; index++) {
      if (get2byte(page + (is_leaf ? 8 : 12) + 2 * index) + MEND_CELL_MAX > state->codec->page_sz) return -1;
    }
    for (index = 0; index < cells; index++) {
      u64 length, key;
      int at = get2byte(page + (is_leaf ? 8 : 12) + 2 * index);
      sqlite3GetVarint(page + at + (is_leaf ? sqlite3GetVarint(page + at, &length) : 4), &key);
      if (is_leaf && row == (i64)key) return at;
      if (!is_leaf && row <= (i64)key) break;
    }
    if (is_leaf) return 0;
    if (!mend_neighbours(state, cells, index)) return -1;
    number = mend_child(page, cells, index);
  }
  return -1;
}

/* True when the page is sound and holds this. A few bytes prove nothing. */
static int mend_holds(mend_state *state, Pgno number, const unsigned char *slice, int length) {
  return length >= MEND_PROOF_MIN && mend_in_file(state, number) && mend_look(state, number, state->other) == PAGE_SOUND && memcmp(state->other + 4, slice, length) == 0;
}

/* True when the page is in use: a free one may still hold what it held in an earlier life. */
static int mend_in_use(mend_state *state, Pgno number) {
  Pgno trunk = get4byte(state->first + 32), trunks = 0;
  u32 leaves, index;
  for (; trunk != 0; trunk = get4byte(state->other)) {
    if (trunk == number || trunks++ > state->pager->dbSize || !mend_in_file(state, trunk) || mend_look(state, trunk, state->other) != PAGE_SOUND) return 0;
    leaves = get4byte(state->other + 4);
    if (leaves > (u32)state->usable / 4 - 2) return 0;
    for (index = 0; index < leaves; index++) {
      if (get4byte(state->other + 8 + 4 * index) == number) return 0;
    }
  }
  return 1;
}

/* Where the chain goes on behind a damaged page; 0 when that cannot be told for certain. */
static Pgno mend_next(mend_state *state, Pgno number, int legible, const unsigned char *slice, int length) {
  Pgno behind = number + 1, told = legible ? get4byte(state->plain) : 0, step;
  if (behind == PAGER_SJ_PGNO(state->pager)) behind++;
  if (told == behind && mend_in_file(state, told)) return told;
  if (slice == NULL) return 0;
  if (mend_holds(state, told, slice, length)) return told;
  for (step = 1; step <= MEND_NEAR; step++) {
    if (mend_holds(state, number + step, slice, length)) return mend_in_use(state, number + step) ? number + step : 0;
    if (number > step && mend_holds(state, number - step, slice, length)) return mend_in_use(state, number - step) ? number - step : 0;
  }
  return 0;
}

static int mend_write(mend_state *state, Pgno number, Pgno next, const unsigned char *slice, int length) {
  DbPage *page = NULL;
  int code = sqlite3PagerGet(state->pager, number, &page, PAGER_GET_NOCONTENT);
  if (code != SQLITE_OK) return code;
  code = sqlite3PagerWrite(page);
  if (code == SQLITE_OK) {
    unsigned char *data = sqlite3PagerGetData(page);
    memset(data, 0, state->codec->page_sz);
    put4byte(data, next);
    if (slice != NULL) memcpy(data + 4, slice, length);
  }
  sqlite3PagerUnref(page);
  return code;
}

static int mend_chain(mend_state *state, Pgno root, i64 row, int walks, const unsigned char *blob, int length, int *written) {
  Pgno numbers[MEND_PAGES_MAX], nexts[MEND_PAGES_MAX], number;
  const unsigned char *slices[MEND_PAGES_MAX];
  int lengths[MEND_PAGES_MAX], count = 0, index, cell, local, least, usable, room, head, is_known, code;
  u64 size, key, head_size;
  i64 at;
  usable = state->usable;
  room = usable - 4;
  if ((cell = mend_find(state, root, row)) < 0) return SQLITE_CORRUPT;
  if (cell == 0) return SQLITE_NOTFOUND;
  if (!walks) return SQLITE_OK;
  cell += sqlite3GetVarint(state->plain + cell, &size);
  cell += sqlite3GetVarint(state->plain + cell, &key);
  if (size > SQLITE_MAX_LENGTH) return SQLITE_CORRUPT;
  if (size <= (u64)usable - 35) return SQLITE_OK;
  least = (usable - 12) * 32 / 255 - 23;
  local = least + (int)((size - least) % room);
  if (local > usable - 35) local = least;
  sqlite3GetVarint(state->plain + cell, &head_size);
  if (cell + local + 4 > usable || head_size > (u64)local) return SQLITE_CORRUPT;
  head = (int)head_size;
  is_known = blob != NULL && (u64)length + head == size && memcmp(state->plain + cell + head, blob, local - head) == 0;
  number = get4byte(state->plain + cell + local);
  for (at = local; at < (i64)size; at += room) {
    const unsigned char *slice = is_known ? blob + (at - head) : NULL;
    int part = (i64)size - at < room ? (int)((i64)size - at) : room, is_last = at + room >= (i64)size, found;
    Pgno next;
    if (!mend_in_file(state, number)) return SQLITE_CORRUPT;
    found = mend_look(state, number, state->plain);
    if (found == PAGE_SOUND) {
      if (is_known && memcmp(state->plain + 4, slice, part) != 0) is_known = 0;
      next = get4byte(state->plain);
    } else {
      i64 rest = (i64)size - at - room;
      next = is_last ? 0 : mend_next(state, number, found == PAGE_DAMAGED, is_known ? slice + room : NULL, rest < room ? (int)rest : room);
      if ((!is_last && next == 0) || count == MEND_PAGES_MAX) return SQLITE_CORRUPT;
      numbers[count] = number;
      nexts[count] = next;
      slices[count] = slice;
      lengths[count++] = part;
    }
    if (is_last && next != 0) return SQLITE_CORRUPT;
    number = next;
  }
  for (index = 0; index < count; index++) {
    code = mend_write(state, numbers[index], nexts[index], is_known ? slices[index] : NULL, lengths[index]);
    if (code != SQLITE_OK) return code;
  }
  *written = count;
  return SQLITE_OK;
}

/*
 * Before a row of a table with row numbers is replaced or deleted, within a transaction that writes: whether the engine can do that without meeting a damaged page. SQLITE_OK when it
 * can; SQLITE_NOTFOUND without such a row; SQLITE_CORRUPT when it cannot, and then nothing is changed. If walks, the row's chain is gone through, and made one that can be followed: damaged
 * pages are written anew, with the row's last column when that is the blob, and zeros otherwise. Otherwise the caller has just read the row.
 */
int auraed_row_mend(sqlite3 *db, unsigned root, sqlite3_int64 row, int walks, const unsigned char *blob, int length, int *written) {
  mend_state state;
  unsigned char *pages;
  int code;
  state.pager = sqlite3BtreePager(db->aDb[0].pBt);
  state.codec = state.pager->pCodec;
  state.first = db->aDb[0].pBt->pBt->pPage1 == NULL ? NULL : db->aDb[0].pBt->pBt->pPage1->aData;
  state.usable = (int)db->aDb[0].pBt->pBt->usableSize;
  *written = 0;
  if (state.first == NULL || state.codec == NULL || state.codec->error != SQLITE_OK || state.codec->read_ctx->derive_key || !SQLCIPHER_FLAG_GET(state.codec->flags, CIPHER_FLAG_HMAC)) return SQLITE_ERROR;
  if ((pages = sqlite3_malloc64(3 * (sqlite3_uint64)state.codec->page_sz)) == NULL) return SQLITE_NOMEM;
  state.sealed = pages;
  state.plain = pages + state.codec->page_sz;
  state.other = state.plain + state.codec->page_sz;
  code = mend_chain(&state, root, row, walks, blob, length, written);
  OPENSSL_cleanse(pages, 3 * (size_t)state.codec->page_sz);
  sqlite3_free(pages);
  return code;
}
