/*
** A file layer of the engine's own kind (a VFS) that wraps the default one. It fails the k-th operation of a kind, once or for ever, and it
** writes down every write, truncation and sync of the database and its log, so that what a power cut could leave can be rebuilt.
**
** A record of the journal, integers little-endian:
**   offset  bytes  content
**        0      1  kind: 1 write, 2 truncate, 3 sync, 4 delete, 5 mark; of the segments of a journal also 6 create, 7 rename, 8 remove, 9 sync of names
**        1      1  file: 0 the database, 1 its log, from 2 on the others, which tests write themselves and tell of by fault_note
**        2      8  offset of the write, size after the truncation, or the mark
**       10      4  length of the data that follows (0 except for a write)
*/
#include "sqlite3.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define OP_WRITE 1
#define OP_SYNC 2
#define OP_TRUNCATE 4
#define OP_READ 8

typedef struct FaultFile {
  sqlite3_file base;
  int which; /* 0 database, 1 log, -1 neither */
  sqlite3_file *real;
} FaultFile;

static sqlite3_vfs *real_layer;
static sqlite3_vfs fault_layer;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int plan_ops, plan_at, plan_persistent, plan_code, plan_short, plan_seen, plan_hits;
static FILE *journal;

/* The code to fail with, or 0. A code may bear the system's error number from bit 16 on, which errno has then. */
static int fails(int op, int *is_short) {
  int code = 0;
  pthread_mutex_lock(&gate);
  if (plan_ops & op) {
    plan_seen++;
    if (plan_seen == plan_at || (plan_persistent && plan_at > 0 && plan_seen > plan_at)) {
      plan_hits++;
      code = plan_code;
      *is_short = plan_short;
    }
  }
  pthread_mutex_unlock(&gate);
  if (code >> 16) errno = code >> 16;
  return code & 0xffff;
}

static void record(int kind, int which, sqlite3_int64 value, const void *data, int length) {
  unsigned char head[14];
  int at;
  if (journal == 0 || (which < 0 && kind != 5)) return;
  head[0] = (unsigned char)kind;
  head[1] = (unsigned char)which;
  for (at = 0; at < 8; at++) head[2 + at] = (unsigned char)(value >> (8 * at));
  for (at = 0; at < 4; at++) head[10 + at] = (unsigned char)(length >> (8 * at));
  pthread_mutex_lock(&gate);
  fwrite(head, 1, sizeof head, journal);
  if (length > 0) fwrite(data, 1, (size_t)length, journal);
  pthread_mutex_unlock(&gate);
}

/* For files that are not the engine's: whether the operation is to fail, and the note of it. */
int fault_fails(int op, int *is_short) { return fails(op, is_short); }

void fault_note(int kind, int file, sqlite3_int64 value, const void *data, int length) { record(kind, file, value, data, length); }

#define REAL(file) (((FaultFile *)(file))->real)
#define WHICH(file) (((FaultFile *)(file))->which)

static int file_close(sqlite3_file *file) {
  int code = REAL(file)->pMethods ? REAL(file)->pMethods->xClose(REAL(file)) : SQLITE_OK;
  return code;
}

static int file_read(sqlite3_file *file, void *data, int length, sqlite3_int64 offset) {
  int is_short = 0, code = fails(OP_READ, &is_short);
  return code ? code : REAL(file)->pMethods->xRead(REAL(file), data, length, offset);
}

static int file_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset) {
  int is_short = 0, code = fails(OP_WRITE, &is_short);
  if (code) {
    if (is_short && length > 1) {
      record(1, WHICH(file), offset, data, length / 2);
      (void)REAL(file)->pMethods->xWrite(REAL(file), data, length / 2, offset);
    }
    return code;
  }
  record(1, WHICH(file), offset, data, length);
  return REAL(file)->pMethods->xWrite(REAL(file), data, length, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
  int is_short = 0, code = fails(OP_TRUNCATE, &is_short);
  if (code) return code;
  record(2, WHICH(file), size, 0, 0);
  return REAL(file)->pMethods->xTruncate(REAL(file), size);
}

static int file_sync(sqlite3_file *file, int flags) {
  int is_short = 0, code = fails(OP_SYNC, &is_short);
  if (code) return code;
  code = REAL(file)->pMethods->xSync(REAL(file), flags);
  if (code == SQLITE_OK) record(3, WHICH(file), 0, 0, 0);
  return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) { return REAL(file)->pMethods->xFileSize(REAL(file), size); }
static int file_lock(sqlite3_file *file, int level) { return REAL(file)->pMethods->xLock(REAL(file), level); }
static int file_unlock(sqlite3_file *file, int level) { return REAL(file)->pMethods->xUnlock(REAL(file), level); }
static int file_check(sqlite3_file *file, int *out) { return REAL(file)->pMethods->xCheckReservedLock(REAL(file), out); }
static int file_control(sqlite3_file *file, int op, void *arg) { return REAL(file)->pMethods->xFileControl(REAL(file), op, arg); }
static int file_sector(sqlite3_file *file) { return REAL(file)->pMethods->xSectorSize(REAL(file)); }
static int file_device(sqlite3_file *file) { return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file)); }
static int shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
  return REAL(file)->pMethods->xShmMap(REAL(file), page, size, extend, out);
}
static int shm_lock(sqlite3_file *file, int offset, int n, int flags) { return REAL(file)->pMethods->xShmLock(REAL(file), offset, n, flags); }
static void shm_barrier(sqlite3_file *file) { REAL(file)->pMethods->xShmBarrier(REAL(file)); }
static int shm_unmap(sqlite3_file *file, int remove) { return REAL(file)->pMethods->xShmUnmap(REAL(file), remove); }

static const sqlite3_io_methods methods = {
  2, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock,
  file_check, file_control, file_sector, file_device, shm_map, shm_lock, shm_barrier, shm_unmap, 0, 0,
};

static int which_file(const char *name) {
  size_t length = name ? strlen(name) : 0;
  if (length >= 4 && strcmp(name + length - 4, "-wal") == 0) return 1;
  if (length >= 9 && strcmp(name + length - 9, "/aurae.db") == 0) return 0;
  return -1;
}

static int layer_open(sqlite3_vfs *layer, sqlite3_filename name, sqlite3_file *file, int flags, int *out) {
  FaultFile *mine = (FaultFile *)file;
  int code;
  (void)layer;
  mine->real = (sqlite3_file *)(mine + 1);
  mine->which = which_file(name);
  mine->real->pMethods = 0;
  code = real_layer->xOpen(real_layer, name, mine->real, flags, out);
  mine->base.pMethods = mine->real->pMethods ? &methods : 0;
  return code;
}

static int layer_delete(sqlite3_vfs *layer, const char *name, int sync) {
  (void)layer;
  record(4, which_file(name), 0, 0, 0);
  return real_layer->xDelete(real_layer, name, sync);
}

/* Registers the layer under the name "fault"; calls after the first do nothing. */
int fault_install(void) {
  if (real_layer) return SQLITE_OK;
  real_layer = sqlite3_vfs_find(0);
  fault_layer = *real_layer;
  fault_layer.zName = "fault";
  fault_layer.szOsFile = (int)sizeof(FaultFile) + real_layer->szOsFile;
  fault_layer.xOpen = layer_open;
  fault_layer.xDelete = layer_delete;
  return sqlite3_vfs_register(&fault_layer, 0);
}

/* Fails the at-th operation of the kinds from now on with the code; at 0 plans nothing. */
void fault_plan(int ops, int at, int persistent, int code, int is_short) {
  pthread_mutex_lock(&gate);
  plan_ops = ops;
  plan_at = at;
  plan_persistent = persistent;
  plan_code = code;
  plan_short = is_short;
  plan_seen = plan_hits = 0;
  pthread_mutex_unlock(&gate);
}

int fault_hits(void) { return plan_hits; }

/* Begins a journal at the path, or ends it for a null path. */
int fault_journal(const char *path) {
  pthread_mutex_lock(&gate);
  if (journal) fclose(journal);
  journal = path ? fopen(path, "wb") : 0;
  pthread_mutex_unlock(&gate);
  return path == 0 || journal != 0;
}

/* Notes that the caller was told of the numbered thing. */
void fault_mark(sqlite3_int64 number) { record(5, 0, number, 0, 0); }
