// gst-wav2lip: how a convolution is cut for a GPU. See conv_plan.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "conv_plan.h"

#include <algorithm>

#include "conv_tiles.h"

namespace w2l {
namespace {

// Larger tiles load less for each product; smaller ones keep more multiprocessors busy. With so
// many tiles, every GPU of today has enough to do.
constexpr int kEnoughTiles = 128;

// Of one part of the sums: fewer do not pay for adding the parts up.
constexpr int kFewestSteps = 4;
// Blocks that a multiprocessor can run side by side with profit.
constexpr int kBlocksAtOnce = 2;

bool suits(const ConvArgs &args, int kind) {
  // In fp32, registers for sums are the limit, not memory: the largest tile gains nothing.
  if (kind == kLargestTile && args.number == Number::Fp32) return false;
  const int columns = conv_tile(kind).columns;
  return args.output.channels % columns == 0 || args.output.channels > 4 * columns;
}

}  // namespace

ConvGrid conv_grid(const ConvArgs &args, int kind) {
  const ConvTile tile = conv_tile(kind);
  ConvGrid grid{kind, 0, divide_up(args.output.channels, tile.columns), conv_phases(args), 0};
  for (int i = 0; i < grid.phases; ++i) {
    const ConvPhase phase = conv_phase(args, i);
    grid.tile_rows = std::max(grid.tile_rows, divide_up(phase_pixels(args, phase), tile.rows));
    grid.steps = std::max(grid.steps, phase_steps(args, phase));
  }
  return grid;
}

ConvGrid conv_grid(const ConvArgs &args) {
  if (args.output.channels <= conv_tile(kNarrowTile).columns) return conv_grid(args, kNarrowTile);
  for (int kind = kLargestTile; kind < kSmallTile; ++kind) {
    const ConvGrid grid = conv_grid(args, kind);
    if (suits(args, kind) && grid.tiles() >= kEnoughTiles) return grid;
  }
  return conv_grid(args, kSmallTile);
}

int conv_splits(const ConvArgs &args, int multiprocessors) {
  const ConvGrid grid = conv_grid(args);
  if (grid.tiles() == 0) return 1;
  int splits = std::min(kBlocksAtOnce * multiprocessors / grid.tiles(), grid.steps / kFewestSteps);
  // Adding up a part takes about as long as computing half a step: more parts than this would take
  // longer to add up than they save.
  while (splits * splits > 2 * grid.steps) --splits;
  return std::max(splits, 1);
}

std::size_t conv_partial_bytes(const ConvArgs &args) {
  if (args.splits <= 1) return 0;
  const ConvGrid grid = conv_grid(args);
  const ConvTile tile = conv_tile(grid.kind);
  return sizeof(float) * static_cast<std::size_t>(args.splits) *
         static_cast<std::size_t>(grid.tiles()) *
         static_cast<std::size_t>(tile.rows * tile.columns);
}

std::size_t conv_counters(const ConvArgs &args) {
  return args.splits <= 1 ? 0 : static_cast<std::size_t>(conv_grid(args).tiles());
}

}  // namespace w2l
