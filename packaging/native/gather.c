/*
 * The log is written in pieces of many pages. The engine writes each page as two: a header of 24 bytes, then 4 KiB, which lie across two pages of the file; half of what
 * they cost is the calls. Between gather_begin and gather_end what the engine writes to the log one behind the other is kept, and written when the room is full, when anyone
 * is to see it, and before anything else is asked of the file.
 *
 * Others see a transaction from the moment when the engine has told them of its last frame, which is right after it wrote it; so that frame is not kept. It is
 * known by its header, which says how long the database is now (the file format, section 4.1). Everything kept is enciphered already.
 */
#define GATHER_BYTES (64 * 1024)

typedef struct log_gather {
  sqlite3_file *log;
  const sqlite3_io_methods *stock;
  unsigned char *bytes;
  sqlite3_int64 offset; /* of the first byte that is kept */
  int length;
  int is_last; /* the header that was written is of a transaction's last frame */
} log_gather;

static __thread log_gather *gather_now = NULL;

/* What cannot be written is the transaction's end: its callers are told by this call. */
static int gather_flush(log_gather *gather) {
  int length = gather->length;
  gather->length = 0;
  return length == 0 ? SQLITE_OK : gather->stock->xWrite(gather->log, gather->bytes, length, gather->offset);
}

static int gather_write(sqlite3_file *log, const void *data, int length, sqlite3_int64 offset) {
  log_gather *gather = gather_now;
  int code = SQLITE_OK;
  if (offset != gather->offset + gather->length || length > GATHER_BYTES - gather->length) code = gather_flush(gather);
  if (code != SQLITE_OK) return code;
  if (length > GATHER_BYTES) return gather->stock->xWrite(log, data, length, offset);
  if (gather->length == 0) gather->offset = offset;
  memcpy(gather->bytes + gather->length, data, length);
  gather->length += length;
  if (length == WAL_FRAME_HDRSIZE) {
    gather->is_last = sqlite3Get4byte((const u8 *)data + 4) != 0;
    return SQLITE_OK;
  }
  return gather->is_last ? gather_flush(gather) : SQLITE_OK;
}

#define GATHER_FIRST(CALL)                      \
  int code = gather_flush(gather_now);          \
  return code != SQLITE_OK ? code : gather_now->stock->CALL

static int gather_read(sqlite3_file *log, void *data, int length, sqlite3_int64 offset) { GATHER_FIRST(xRead(log, data, length, offset)); }
static int gather_truncate(sqlite3_file *log, sqlite3_int64 size) { GATHER_FIRST(xTruncate(log, size)); }
static int gather_sync(sqlite3_file *log, int flags) { GATHER_FIRST(xSync(log, flags)); }
static int gather_size(sqlite3_file *log, sqlite3_int64 *size) { GATHER_FIRST(xFileSize(log, size)); }
static int gather_control(sqlite3_file *log, int what, void *argument) { GATHER_FIRST(xFileControl(log, what, argument)); }
static int gather_sector(sqlite3_file *log) { return gather_now->stock->xSectorSize(log); }
static int gather_traits(sqlite3_file *log) { return gather_now->stock->xDeviceCharacteristics(log); }

/* Locks, shared memory and maps are asked of the database's file alone; a log is closed outside. */
static const sqlite3_io_methods gather_methods = {
  1, NULL, gather_read, gather_write, gather_truncate, gather_sync, gather_size, NULL, NULL, NULL, gather_control, gather_sector, gather_traits,
};

/* On the connection's thread. What cannot be had is done without. */
static void gather_begin(log_gather *gather, Pager *pager) {
  if (gather_now != NULL || !pagerUseWal(pager) || pager->pWal->pWalFd->pMethods == NULL) return;
  if (gather->bytes == NULL && (gather->bytes = sqlite3_malloc(GATHER_BYTES)) == NULL) return;
  gather->log = pager->pWal->pWalFd;
  gather->stock = gather->log->pMethods;
  gather->length = gather->is_last = 0;
  gather_now = gather;
  gather->log->pMethods = &gather_methods;
}

/* Pages that are not a transaction's last are written here; when they cannot be, it is one that the engine has given up, as its next statement says. */
static void gather_end(log_gather *gather, Pager *pager) {
  int code;
  if (gather_now != gather) return;
  code = gather_flush(gather);
  gather->log->pMethods = gather->stock;
  gather_now = NULL;
  if (code != SQLITE_OK) pager_error(pager, code);
}
