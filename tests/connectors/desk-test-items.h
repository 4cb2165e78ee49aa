/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "server/service/desk-connector.h"

/* Inbound items as JSON, what is empty or zero left out: for comparison with fixtures. */
JsonNode *desk_test_items_to_json (GPtrArray *items);
