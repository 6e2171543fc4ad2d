// gst-wav2lip: which size and which rows a layer makes of which. The backends' plans call it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "family.h"

namespace w2l {

// Of a layer's output for the size of its input.
Size2 output_size(const LayerRow &row, Size2 in);

// The first row of the input that the output's rows from `output_row` on depend on.
int first_input_row(const LayerRow &row, int output_row);

}  // namespace w2l
