/* gst-wav2lip: everything public of libgstw2l-1.0.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_W2L_H
#define GST_W2L_H

#include "gstw2lbox.h"
#include "gstw2lfacemeta.h"
#include "gstw2lpatchmeta.h"
#include "gstw2lversion.h"

#endif /* GST_W2L_H */
