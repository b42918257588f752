/*
 * A row that is about to change, told by one call from the pre-update hook, where the engine has one for each value, one for its class, and two for its bytes. The form is the
 * journal's (daemon/Store/Journal/ChangeCapture.cs): a byte for the storage class, as the engine numbers them, and then
 *
 *   integer  zigzag, 7 bits a byte, least first, the high bit set on all but the last
 *   real     8 bytes, IEEE 754, little endian
 *   text, blob  the length as an unsigned number of the same form, and the bytes
 *   null     nothing
 */

typedef struct change_room {
  unsigned char *bytes;
  sqlite3_int64 room;
  sqlite3_int64 length; /* also of what had no room */
} change_room;

static void change_put(change_room *out, const void *bytes, sqlite3_int64 length) {
  if (length > 0 && out->length + length <= out->room) memcpy(out->bytes + out->length, bytes, length);
  out->length += length;
}

static void change_number(change_room *out, sqlite3_uint64 value) {
  unsigned char digits[10];
  int count = 0;
  for (; value >= 0x80; value >>= 7) digits[count++] = (unsigned char)(value | 0x80);
  digits[count++] = (unsigned char)value;
  change_put(out, digits, count);
}

static int change_value(change_room *out, sqlite3_value *value) {
  unsigned char storage = (unsigned char)sqlite3_value_type(value);
  change_put(out, &storage, 1);
  if (storage == SQLITE_INTEGER) {
    sqlite3_int64 number = sqlite3_value_int64(value);
    change_number(out, ((sqlite3_uint64)number << 1) ^ (sqlite3_uint64)(number >> 63));
  } else if (storage == SQLITE_FLOAT) {
    double number = sqlite3_value_double(value);
    unsigned char digits[8];
    sqlite3_uint64 bits;
    int i;
    memcpy(&bits, &number, sizeof(bits));
    for (i = 0; i < 8; i++) digits[i] = (unsigned char)(bits >> (8 * i));
    change_put(out, digits, sizeof(digits));
  } else if (storage != SQLITE_NULL) {
    /* The address first: it may change the length, as for a blob of zeros. */
    const void *bytes = sqlite3_value_blob(value);
    int length = sqlite3_value_bytes(value);
    if (bytes == NULL && length > 0) return SQLITE_NOMEM;
    change_number(out, (sqlite3_uint64)length);
    change_put(out, bytes, length);
  }
  return SQLITE_OK;
}

/*
 * Inside the hook: writes values of the row as it is, or as it will be, of the listed columns, or of the first ones when there is no list. Returns their bytes; when that is more than the
 * room, only some of them were written. Below zero it is an error of the engine's.
 */
sqlite3_int64 auraed_change_values(sqlite3 *db, int is_after, const int *columns, int count, unsigned char *bytes, int room) {
  change_room out = {bytes, room, 0};
  int i, code = SQLITE_OK;
  for (i = 0; i < count && code == SQLITE_OK; i++) {
    sqlite3_value *value = NULL;
    int column = columns == NULL ? i : columns[i];
    code = is_after ? sqlite3_preupdate_new(db, column, &value) : sqlite3_preupdate_old(db, column, &value);
    if (code == SQLITE_OK) code = change_value(&out, value);
  }
  return code == SQLITE_OK ? out.length : -(sqlite3_int64)code;
}
