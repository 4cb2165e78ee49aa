/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "store/desk-store-report.h"

G_BEGIN_DECLS

/**
 * desk_report_table_new:
 *
 * Returns: (transfer full): the report as comma-separated values (RFC 4180) in UTF-8: a row for each span
 *   and platform, then one for each manager. Times are ISO 8601 in local time, waits are seconds.
 */
GBytes *desk_report_table_new (const DeskReport *report);

G_END_DECLS
