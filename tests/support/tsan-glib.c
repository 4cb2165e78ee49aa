/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dlfcn.h>
#include <gio/gio.h>

/* For ThreadSanitizer only. The distribution's GLib is not built for it and locks by futex, so that every hand-over
 * between threads looks like a race. These functions stand before GLib's in the program and tell the sanitizer of
 * what GLib guarantees: mutexes, queues, sources handed to another thread's context, reference counts. */

void __tsan_acquire (void *address);
void __tsan_release (void *address);

#define REAL(name)                                                                                                    \
  static __typeof__ (name) *cache;                                                                                    \
  __typeof__ (name) *real = g_atomic_pointer_get (&cache);                                                            \
  if (real == NULL)                                                                                                   \
    {                                                                                                                 \
      real = (__typeof__ (name) *) dlsym (RTLD_NEXT, #name);                                                          \
      g_atomic_pointer_set (&cache, real);                                                                            \
    }                                                                                                                 \
  (void) real

void
g_mutex_lock (GMutex *mutex)
{
  REAL (g_mutex_lock);
  real (mutex);
  __tsan_acquire (mutex);
}

void
g_mutex_unlock (GMutex *mutex)
{
  REAL (g_mutex_unlock);
  __tsan_release (mutex);
  real (mutex);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  REAL (g_cond_wait);
  __tsan_release (mutex);
  real (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean result;
  REAL (g_cond_wait_until);
  __tsan_release (mutex);
  result = real (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return result;
}

void
g_async_queue_push (GAsyncQueue *queue, gpointer data)
{
  REAL (g_async_queue_push);
  __tsan_release (queue);
  real (queue, data);
}

gpointer
g_async_queue_pop (GAsyncQueue *queue)
{
  gpointer data;
  REAL (g_async_queue_pop);
  data = real (queue);
  __tsan_acquire (queue);
  return data;
}

gpointer
g_async_queue_try_pop (GAsyncQueue *queue)
{
  gpointer data;
  REAL (g_async_queue_try_pop);
  data = real (queue);
  __tsan_acquire (queue);
  return data;
}

/* A source's callback sees everything that was done before the source was attached. */
typedef struct
{
  GSourceFunc func;
  gpointer data;
  GDestroyNotify destroy;
  GSource *source;
} Hand;

static gboolean
hand_over (gpointer data)
{
  Hand *hand = data;

  __tsan_acquire (hand);
  __tsan_acquire (hand->source);
  return hand->func (hand->data);
}

static void
hand_free (gpointer data)
{
  Hand *hand = data;

  __tsan_acquire (hand);
  __tsan_acquire (hand->source);
  if (hand->destroy != NULL)
    hand->destroy (hand->data);
  g_free (hand);
}

void
g_source_set_callback (GSource *source, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  REAL (g_source_set_callback);
  extern GSourceFuncs g_idle_funcs, g_timeout_funcs;

  /* Others give their callback more arguments. */
  if (source->source_funcs == &g_idle_funcs || source->source_funcs == &g_timeout_funcs)
    {
      Hand *hand = g_new (Hand, 1);

      *hand = (Hand){ func, data, destroy, source };
      __tsan_release (hand);
      real (source, hand_over, hand, hand_free);
    }
  else
    real (source, func, data, destroy);
}

guint
g_source_attach (GSource *source, GMainContext *context)
{
  REAL (g_source_attach);
  __tsan_release (source);
  return real (source, context);
}

void
g_object_unref (gpointer object)
{
  REAL (g_object_unref);
  __tsan_acquire (object);
  __tsan_release (object);
  real (object);
}

void
g_bytes_unref (GBytes *bytes)
{
  REAL (g_bytes_unref);
  if (bytes != NULL)
    {
      __tsan_acquire (bytes);
      __tsan_release (bytes);
    }
  real (bytes);
}

/* ── A task's thread ────────────────────────────────────────────────────────────────────────── */

static void
run_task (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GTaskThreadFunc func = (GTaskThreadFunc) g_object_get_data (G_OBJECT (task), "tsan-func");

  __tsan_acquire (task);
  func (task, source, data, cancellable);
}

void
g_task_run_in_thread (GTask *task, GTaskThreadFunc func)
{
  REAL (g_task_run_in_thread);
  g_object_set_data (G_OBJECT (task), "tsan-func", (gpointer) func);
  __tsan_release (task);
  real (task, run_task);
}
