/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include <sqlite3.h>
#include <string.h>

#include "sim.h"

/* A disk in memory, as an SQLite VFS. A file is what was synced plus a list of writes that were not; reads see both.
 * Before each write, truncation, sync and deletion may come an error or the end:
 *  - killed: the program is gone, the system keeps what was written;
 *  - power cut: what was not synced is lost from some write on, which may be torn, or any of it (the disk reorders).
 * From then on every call fails until sim_disk_restart() settles what is left. A torn write keeps a beginning of its
 * bytes: nothing outside of the range is harmed, which is what SQLITE_IOCAP_POWERSAFE_OVERWRITE says and what the
 * system's own VFS assumes. One connection uses a file at a time, so locks are not looked at. */

#define VFS_NAME "desk-simulated-disk"
#define MAX_FILES 4
#define SHM_REGION 32768

typedef struct
{
  sqlite3_int64 offset;
  GBytes *bytes; /* NULL: the file was cut at offset */
} Pending;

typedef struct
{
  char *name; /* NULL: free */
  GByteArray *synced;
  GByteArray *now;
  GArray *pending; /* of Pending */
  GPtrArray *shm;
} File;

struct _SimDisk
{
  Device *device;
  File files[MAX_FILES];
  gboolean dead;  /* until restarted */
  gboolean power; /* and it was the power */
  gboolean calm;  /* no faults: the simulator itself works on it */
  guint errors;   /* told since the last question */
};

typedef struct
{
  sqlite3_file base;
  SimDisk *disk;
  File *file;
} Handle;

static GHashTable *disks; /* folder → SimDisk */

static void
pending_clear (gpointer data)
{
  g_clear_pointer (&((Pending *) data)->bytes, g_bytes_unref);
}

/* ── What may go wrong ──────────────────────────────────────────────────────────────────────── */

static int
fail (SimDisk *disk, int code)
{
  disk->errors++;
  return code;
}

/* SQLITE_OK, or what the call has to return. */
static int
roll (SimDisk *disk, gboolean writes, int io_code)
{
  Sim *sim = disk->device->sim;

  if (disk->dead)
    return SQLITE_IOERR;
  if (disk->calm)
    return SQLITE_OK;
  disk->power = sim_fault (sim, disk->device, FAULT_DISK_POWER);
  if (disk->power || sim_fault (sim, disk->device, FAULT_DISK_KILL))
    {
      sim_trace (sim, "d%u disk: %s", disk->device->index, disk->power ? "power cut" : "killed");
      disk->dead = TRUE;
      return SQLITE_IOERR;
    }
  if (sim_fault (sim, disk->device, FAULT_DISK_IO))
    return fail (disk, io_code);
  if (writes && sim_fault (sim, disk->device, FAULT_DISK_FULL))
    return fail (disk, SQLITE_FULL);
  return SQLITE_OK;
}

/* ── Bytes ──────────────────────────────────────────────────────────────────────────────────── */

static void
put (GByteArray *array, sqlite3_int64 offset, const void *data, gsize n)
{
  gsize end = (gsize) offset + n;

  if (array->len < end)
    {
      guint before = array->len;

      g_byte_array_set_size (array, (guint) end);
      if ((gsize) offset > before)
        memset (array->data + before, 0, (gsize) offset - before);
    }
  memcpy (array->data + offset, data, n);
}

static void
do_pending (GByteArray *array, const Pending *pending, gsize at_most)
{
  gsize n;
  const void *data;

  if (pending->bytes == NULL)
    {
      if ((gsize) pending->offset < array->len)
        g_byte_array_set_size (array, (guint) pending->offset);
      return;
    }
  data = g_bytes_get_data (pending->bytes, &n);
  put (array, pending->offset, data, MIN (n, at_most));
}

static void
write_now (File *file, const void *data, gsize n, sqlite3_int64 offset)
{
  Pending pending = { .offset = offset, .bytes = g_bytes_new (data, n) };

  put (file->now, offset, data, n);
  g_array_append_val (file->pending, pending);
}

static void
sync_now (File *file)
{
  for (guint i = 0; i < file->pending->len; i++)
    do_pending (file->synced, &g_array_index (file->pending, Pending, i), G_MAXSIZE);
  g_array_set_size (file->pending, 0);
}

/* ── Methods of a file ──────────────────────────────────────────────────────────────────────── */

static int
file_close (sqlite3_file *base)
{
  return SQLITE_OK;
}

static int
file_read (sqlite3_file *base, void *out, int n, sqlite3_int64 offset)
{
  Handle *self = (Handle *) base;
  const GByteArray *now = self->file->now;
  gint64 have = CLAMP ((gint64) now->len - offset, 0, n);

  if (self->disk->dead)
    return SQLITE_IOERR_READ;
  if (have > 0)
    memcpy (out, now->data + offset, (gsize) have);
  memset ((char *) out + have, 0, (gsize) (n - have));
  return have == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
file_write (sqlite3_file *base, const void *data, int n, sqlite3_int64 offset)
{
  Handle *self = (Handle *) base;
  SimDisk *disk = self->disk;
  int rc = roll (disk, TRUE, SQLITE_IOERR_WRITE);

  if (rc == SQLITE_OK && !disk->calm && sim_fault (disk->device->sim, disk->device, FAULT_DISK_SHORT))
    {
      write_now (self->file, data, (gsize) sim_below (disk->device->sim, (guint64) n), offset);
      return fail (disk, SQLITE_IOERR_WRITE);
    }
  if (rc == SQLITE_OK)
    write_now (self->file, data, (gsize) n, offset);
  return rc;
}

static int
file_truncate (sqlite3_file *base, sqlite3_int64 size)
{
  Handle *self = (Handle *) base;
  Pending pending = { .offset = size };
  int rc = roll (self->disk, FALSE, SQLITE_IOERR_TRUNCATE);

  if (rc != SQLITE_OK)
    return rc;
  do_pending (self->file->now, &pending, 0);
  g_array_append_val (self->file->pending, pending);
  return SQLITE_OK;
}

/* After a failed sync nothing is known to be on the disk; the writes still wait. */
static int
file_sync (sqlite3_file *base, int flags)
{
  Handle *self = (Handle *) base;
  int rc = roll (self->disk, FALSE, SQLITE_IOERR_FSYNC);

  if (rc == SQLITE_OK)
    sync_now (self->file);
  return rc;
}

static int
file_size (sqlite3_file *base, sqlite3_int64 *size)
{
  *size = ((Handle *) base)->file->now->len;
  return SQLITE_OK;
}

static int
file_lock (sqlite3_file *base, int level)
{
  return SQLITE_OK;
}

static int
file_check_lock (sqlite3_file *base, int *out)
{
  *out = 0;
  return SQLITE_OK;
}

static int
file_control (sqlite3_file *base, int op, void *arg)
{
  return SQLITE_NOTFOUND;
}

static int
file_sector_size (sqlite3_file *base)
{
  return 4096;
}

static int
file_traits (sqlite3_file *base)
{
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int
file_shm_map (sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
  Handle *self = (Handle *) base;
  GPtrArray *shm = self->file->shm;

  *out = NULL;
  if (size != SHM_REGION)
    return SQLITE_IOERR_SHMSIZE;
  while (extend && shm->len <= (guint) region)
    g_ptr_array_add (shm, g_malloc0 (SHM_REGION));
  if ((guint) region < shm->len)
    *out = g_ptr_array_index (shm, region);
  return SQLITE_OK;
}

static int
file_shm_lock (sqlite3_file *base, int offset, int n, int flags)
{
  return SQLITE_OK;
}

static void
file_shm_barrier (sqlite3_file *base)
{
}

/* The last connection goes: so does the shared memory. */
static int
file_shm_unmap (sqlite3_file *base, int delete)
{
  g_ptr_array_set_size (((Handle *) base)->file->shm, 0);
  return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
  .iVersion = 2,
  .xClose = file_close,
  .xRead = file_read,
  .xWrite = file_write,
  .xTruncate = file_truncate,
  .xSync = file_sync,
  .xFileSize = file_size,
  .xLock = file_lock,
  .xUnlock = file_lock,
  .xCheckReservedLock = file_check_lock,
  .xFileControl = file_control,
  .xSectorSize = file_sector_size,
  .xDeviceCharacteristics = file_traits,
  .xShmMap = file_shm_map,
  .xShmLock = file_shm_lock,
  .xShmBarrier = file_shm_barrier,
  .xShmUnmap = file_shm_unmap,
};

/* ── Methods of the disk ────────────────────────────────────────────────────────────────────── */

static File *
find_file (SimDisk *disk, const char *name, gboolean create)
{
  File *free_place = NULL;

  for (guint i = MAX_FILES; i-- > 0;)
    {
      File *file = &disk->files[i];

      if (file->name == NULL)
        free_place = file;
      else if (g_str_equal (file->name, name))
        return file;
    }
  if (!create)
    return NULL;
  g_assert (free_place != NULL);
  free_place->name = g_strdup (name);
  free_place->synced = g_byte_array_new ();
  free_place->now = g_byte_array_new ();
  free_place->pending = g_array_new (FALSE, FALSE, sizeof (Pending));
  g_array_set_clear_func (free_place->pending, pending_clear);
  free_place->shm = g_ptr_array_new_with_free_func (g_free);
  return free_place;
}

static void
file_remove (File *file)
{
  g_clear_pointer (&file->name, g_free);
  g_byte_array_unref (file->synced);
  g_byte_array_unref (file->now);
  g_array_unref (file->pending);
  g_ptr_array_unref (file->shm);
}

static SimDisk *
disk_of (const char *path)
{
  g_autofree char *dir = g_path_get_dirname (path);

  return g_hash_table_lookup (disks, dir);
}

static int
disk_open (sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out_flags)
{
  Handle *self = (Handle *) base;
  SimDisk *disk = path ? disk_of (path) : NULL;

  base->pMethods = NULL;
  if (disk == NULL || disk->dead)
    return SQLITE_CANTOPEN;
  self->disk = disk;
  self->file = find_file (disk, path, (flags & SQLITE_OPEN_CREATE) != 0);
  if (self->file == NULL)
    return SQLITE_CANTOPEN;
  base->pMethods = &methods;
  if (out_flags != NULL)
    *out_flags = flags;
  return SQLITE_OK;
}

static int
disk_delete (sqlite3_vfs *vfs, const char *path, int sync_dir)
{
  SimDisk *disk = disk_of (path);
  File *file = find_file (disk, path, FALSE);
  int rc = roll (disk, FALSE, SQLITE_IOERR_DELETE);

  if (rc != SQLITE_OK)
    return rc;
  if (file == NULL)
    return SQLITE_IOERR_DELETE_NOENT;
  file_remove (file);
  return SQLITE_OK;
}

static int
disk_access (sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
  *out = find_file (disk_of (path), path, FALSE) != NULL;
  return SQLITE_OK;
}

static int
disk_full_path (sqlite3_vfs *vfs, const char *path, int n, char *out)
{
  g_strlcpy (out, path, (gsize) n);
  return SQLITE_OK;
}

static int
disk_randomness (sqlite3_vfs *vfs, int n, char *out)
{
  memset (out, 0, (gsize) n);
  return n;
}

static int
disk_sleep (sqlite3_vfs *vfs, int us)
{
  return us;
}

static int
disk_time (sqlite3_vfs *vfs, double *out)
{
  *out = 2461000;
  return SQLITE_OK;
}

static int
disk_last_error (sqlite3_vfs *vfs, int n, char *out)
{
  return 0;
}

static void
register_vfs (void)
{
  static sqlite3_vfs vfs = {
    .iVersion = 1,
    .szOsFile = sizeof (Handle),
    .mxPathname = 512,
    .zName = VFS_NAME,
    .xOpen = disk_open,
    .xDelete = disk_delete,
    .xAccess = disk_access,
    .xFullPathname = disk_full_path,
    .xRandomness = disk_randomness,
    .xSleep = disk_sleep,
    .xCurrentTime = disk_time,
    .xGetLastError = disk_last_error,
  };

  if (disks != NULL)
    return;
  disks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  sqlite3_vfs_register (&vfs, 0);
}

/* SQLite has one source of random numbers for all: the salts of its logs come from there. */
void
sim_disk_seed (guint64 seed)
{
  register_vfs ();
  sqlite3_test_control (SQLITE_TESTCTRL_PRNG_SEED, (int) (seed & 0x7fffffff) | 1, NULL);
}

/* ── For the simulator ──────────────────────────────────────────────────────────────────────── */

const char *
sim_disk_vfs (void)
{
  register_vfs ();
  return VFS_NAME;
}

SimDisk *
sim_disk_new (Device *device, const char *dir)
{
  SimDisk *self = g_new0 (SimDisk, 1);

  register_vfs ();
  self->device = device;
  self->calm = !device->sim->disk;
  g_hash_table_insert (disks, g_strdup (dir), self);
  return self;
}

void
sim_disk_free (SimDisk *self, const char *dir)
{
  g_hash_table_remove (disks, dir);
  for (guint i = 0; i < MAX_FILES; i++)
    if (self->files[i].name != NULL)
      file_remove (&self->files[i]);
  g_free (self);
}

gboolean
sim_disk_is_dead (SimDisk *self)
{
  return self->dead;
}

void
sim_disk_crash (SimDisk *self, gboolean power)
{
  self->dead = TRUE;
  self->power |= power;
}

void
sim_disk_set_calm (SimDisk *self, gboolean calm)
{
  self->calm = calm || !self->device->sim->disk;
}

guint
sim_disk_take_errors (SimDisk *self)
{
  guint n = self->errors;

  self->errors = 0;
  return n;
}

static void
lose_unsynced (Sim *sim, File *file)
{
  guint n = file->pending->len, keep = (guint) sim_below (sim, n + 1);
  gboolean reorders = sim_chance (sim, 0.3);

  for (guint i = 0; i < n; i++)
    {
      const Pending *pending = &g_array_index (file->pending, Pending, i);
      gsize size = pending->bytes ? g_bytes_get_size (pending->bytes) : 0;

      if (reorders ? sim_chance (sim, 0.5) : i < keep)
        do_pending (file->synced, pending, G_MAXSIZE);
      else if ((reorders || i == keep) && size > 0 && sim_chance (sim, 0.5))
        do_pending (file->synced, pending, (gsize) sim_below (sim, size)); /* torn */
    }
  g_array_set_size (file->pending, 0);
  g_byte_array_set_size (file->now, 0);
  g_byte_array_append (file->now, file->synced->data, file->synced->len);
}

void
sim_disk_restart (SimDisk *self)
{
  for (guint i = 0; i < MAX_FILES; i++)
    {
      File *file = &self->files[i];

      if (file->name == NULL)
        continue;
      if (self->power)
        lose_unsynced (self->device->sim, file);
      g_ptr_array_set_size (file->shm, 0);
    }
  self->dead = self->power = FALSE;
}
