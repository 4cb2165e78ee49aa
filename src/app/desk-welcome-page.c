/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* First run. What is wrong is said beside the field that it is about. The password lives in the
 * entry until the answer comes and is cleared whatever the answer is. */

#include "app/desk-welcome-page.h"

#include <glib/gi18n.h>

struct _DeskWelcomePage
{
  GtkBox parent_instance;

  AdwLeaflet *leaflet;
  GtkWidget *form_page;
  GtkButton *demo_button;
  AdwEntryRow *server_row;
  AdwComboRow *method_row;
  AdwEntryRow *user_row;
  AdwPasswordEntryRow *password_row;
  GtkLabel *server_error;
  GtkLabel *secret_error;
  GtkLabel *general_error;
  GtkButton *sign_in_button;
  GtkStack *button_stack;

  char *cache_dir;
  gboolean returnable; /* back leads to an inbox */
  GCancellable *cancellable; /* while signing in */
};

enum
{
  SIGNAL_TRY_DEMO,
  SIGNAL_SIGNED_IN,
  SIGNAL_CANCELLED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskWelcomePage, desk_welcome_page, GTK_TYPE_BOX)

static gboolean
by_token (DeskWelcomePage *self)
{
  return adw_combo_row_get_selected (self->method_row) == 1;
}

static void
show_error (GtkLabel *label, GtkWidget *row, const char *text)
{
  gtk_label_set_text (label, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (label), text != NULL);
  if (row == NULL)
    return;
  if (text != NULL)
    gtk_widget_add_css_class (row, "error");
  else
    gtk_widget_remove_css_class (row, "error");
}

/* With what was wrong selected, so that typing corrects it. */
static void
show_fault (GtkLabel *label, GtkWidget *row, const char *text)
{
  show_error (label, row, text);
  gtk_widget_grab_focus (row);
}

static void
clear_errors (DeskWelcomePage *self)
{
  show_error (self->server_error, GTK_WIDGET (self->server_row), NULL);
  show_error (self->secret_error, GTK_WIDGET (self->password_row), NULL);
  show_error (self->general_error, NULL, NULL);
}

static void
update (DeskWelcomePage *self)
{
  gboolean busy = self->cancellable != NULL;
  const char *server = gtk_editable_get_text (GTK_EDITABLE (self->server_row));
  const char *user = gtk_editable_get_text (GTK_EDITABLE (self->user_row));
  const char *secret = gtk_editable_get_text (GTK_EDITABLE (self->password_row));

  gtk_widget_set_visible (GTK_WIDGET (self->user_row), !by_token (self));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->password_row),
                                 by_token (self) ? _ ("Token") : _ ("Password"));
  gtk_widget_set_sensitive (GTK_WIDGET (self->sign_in_button),
                            *server != '\0' && *secret != '\0'
                                && (by_token (self) || *user != '\0'));
  gtk_stack_set_visible_child_name (self->button_stack, busy ? "busy" : "idle");
  gtk_widget_set_sensitive (GTK_WIDGET (self->server_row), !busy);
  gtk_widget_set_sensitive (GTK_WIDGET (self->method_row), !busy);
  gtk_widget_set_sensitive (GTK_WIDGET (self->user_row), !busy);
  gtk_widget_set_sensitive (GTK_WIDGET (self->password_row), !busy);
}

static void
on_edited (DeskWelcomePage *self)
{
  clear_errors (self);
  update (self);
}

static void
tell_error (DeskWelcomePage *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (g_error_matches (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_ADDRESS))
    show_fault (self->server_error, GTK_WIDGET (self->server_row),
                _ ("This is not the address of a server"));
  else if (g_error_matches (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_NETWORK))
    show_fault (self->server_error, GTK_WIDGET (self->server_row),
                _ ("The server does not answer: check the address and the network"));
  else if (g_error_matches (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_SERVER))
    show_fault (self->server_error, GTK_WIDGET (self->server_row),
                _ ("There is no chat server at this address, or it has a problem"));
  else if (g_error_matches (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_REFUSED))
    show_fault (self->secret_error, GTK_WIDGET (self->password_row),
                by_token (self) ? _ ("The server does not accept this token")
                                : _ ("Wrong user name or password"));
  else if (g_error_matches (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_KEYRING))
    show_error (self->general_error, NULL,
                _ ("The sign-in cannot be kept: the password keyring of this computer is locked or "
                   "missing"));
  else
    show_error (self->general_error, NULL, error->message);
}

static void
on_signed_in (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskWelcomePage) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskAccount) account = desk_account_sign_in_finish (result, &error);

  g_clear_object (&self->cancellable);
  if (account != NULL)
    gtk_editable_set_text (GTK_EDITABLE (self->password_row), "");
  update (self);
  if (account == NULL)
    tell_error (self, error);
  else
    g_signal_emit (self, signals[SIGNAL_SIGNED_IN], 0, account);
}

static void
on_sign_in (DeskWelcomePage *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *url = NULL;
  if (self->cancellable != NULL || !gtk_widget_get_sensitive (GTK_WIDGET (self->sign_in_button)))
    return;
  clear_errors (self);
  url = desk_account_normalize_url (gtk_editable_get_text (GTK_EDITABLE (self->server_row)),
                                    &error);
  if (url == NULL)
    {
      show_fault (self->server_error, GTK_WIDGET (self->server_row), error->message);
      return;
    }
  self->cancellable = g_cancellable_new ();
  /* A field must not have the focus while it becomes insensitive. */
  gtk_root_set_focus (gtk_widget_get_root (GTK_WIDGET (self)), NULL);
  update (self);
  desk_account_sign_in_async (
      url, by_token (self) ? NULL : gtk_editable_get_text (GTK_EDITABLE (self->user_row)),
      gtk_editable_get_text (GTK_EDITABLE (self->password_row)), self->cache_dir, self->cancellable,
      on_signed_in, g_object_ref (self));
}

static void
on_cancel (DeskWelcomePage *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
}

static void
on_try_demo (DeskWelcomePage *self)
{
  g_signal_emit (self, signals[SIGNAL_TRY_DEMO], 0);
}

static void
on_show_form (DeskWelcomePage *self)
{
  adw_leaflet_set_visible_child (self->leaflet, self->form_page);
  gtk_widget_grab_focus (GTK_WIDGET (self->server_row));
}

static void
on_hide_form (DeskWelcomePage *self)
{
  on_cancel (self);
  if (self->returnable)
    {
      g_signal_emit (self, signals[SIGNAL_CANCELLED], 0);
      return;
    }
  adw_leaflet_navigate (self->leaflet, ADW_NAVIGATION_DIRECTION_BACK);
}

void
desk_welcome_page_set_up (DeskWelcomePage *self,
                          const char *server_url,
                          const char *username,
                          const char *cache_dir,
                          gboolean form)
{
  g_free (self->cache_dir);
  self->cache_dir = g_strdup (cache_dir);
  gtk_editable_set_text (GTK_EDITABLE (self->server_row), server_url != NULL ? server_url : "");
  gtk_editable_set_text (GTK_EDITABLE (self->user_row), username != NULL ? username : "");
  gtk_editable_set_text (GTK_EDITABLE (self->password_row), "");
  if (form)
    {
      adw_leaflet_set_visible_child (self->leaflet, self->form_page);
      gtk_widget_grab_focus (GTK_WIDGET (server_url == NULL  ? self->server_row
                                         : username == NULL ? self->user_row
                                                            : (gpointer)self->password_row));
    }
  else
    adw_leaflet_navigate (self->leaflet, ADW_NAVIGATION_DIRECTION_BACK);
  clear_errors (self);
  update (self);
}

void
desk_welcome_page_set_returnable (DeskWelcomePage *self, gboolean returnable)
{
  self->returnable = returnable;
}

void
desk_welcome_page_set_busy (DeskWelcomePage *self, gboolean busy)
{
  gtk_widget_set_sensitive (GTK_WIDGET (self->demo_button), !busy);
  gtk_button_set_label (self->demo_button, busy ? _ ("Starting the Demo…") : _ ("Try the Demo"));
}

static void
desk_welcome_page_dispose (GObject *object)
{
  DeskWelcomePage *self = DESK_WELCOME_PAGE (object);
  on_cancel (self);
  g_clear_pointer (&self->cache_dir, g_free);
  G_OBJECT_CLASS (desk_welcome_page_parent_class)->dispose (object);
}

static void
desk_welcome_page_class_init (DeskWelcomePageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_welcome_page_dispose;
  signals[SIGNAL_TRY_DEMO]
      = g_signal_new ("try-demo", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_SIGNED_IN] = g_signal_new ("signed-in", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                            NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[SIGNAL_CANCELLED]
      = g_signal_new ("cancelled", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-welcome-page.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, leaflet);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, form_page);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, demo_button);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, server_row);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, method_row);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, user_row);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, password_row);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, server_error);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, secret_error);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, general_error);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, sign_in_button);
  gtk_widget_class_bind_template_child (widget_class, DeskWelcomePage, button_stack);
  gtk_widget_class_bind_template_callback (widget_class, on_edited);
  gtk_widget_class_bind_template_callback (widget_class, on_sign_in);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel);
  gtk_widget_class_bind_template_callback (widget_class, on_try_demo);
  gtk_widget_class_bind_template_callback (widget_class, on_show_form);
  gtk_widget_class_bind_template_callback (widget_class, on_hide_form);
}

static void
desk_welcome_page_init (DeskWelcomePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  update (self);
}
