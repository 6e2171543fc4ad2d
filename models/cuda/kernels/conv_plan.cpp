// gst-wav2lip: how a convolution is cut for a GPU. See conv_plan.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "conv_plan.h"

#include <algorithm>
#include <cmath>

#include "conv_tiles.h"

namespace w2l {
namespace {

// What a block takes, in microseconds: at its begin and end, for a step, and for a step for each
// block on the same multiprocessor. Fitted to all layers of the network at batches from 4 to 128,
// measured on an H100 in fp16, within 10 %; elsewhere proportions are much the same.
struct BlockCost {
  double ends, step, shared_step;
  int resident;  // blocks that registers let a multiprocessor have
};
constexpr BlockCost kCosts[kConvTileKinds] = {
    {6.5, 0.37, 0.26, 2},  // kLargestTile
    {5.6, 0.16, 0.22, 3},  // kMediumTile
    {5.0, 0.08, 0.15, 4},  // kSmallTile
    {4.9, 0.05, 0.19, 4},  // kNarrowTile
    {9.4, 0.00, 0.35, 2},  // kMediumPatch
    {7.1, 0.03, 0.19, 3},  // kNarrowPatch
};
// A step in fp32, which is of half as many channels, without tensor cores.
constexpr double kPlainStep = 3.0;
// Adding up parts: once, and for each number of a tile in each part.
constexpr double kSplitCost = 1.7, kSplitNumberCost = 0.41 / 8192;

// Of one part of the sums.
constexpr double kFewestSteps = 4;
constexpr int kMostSplits = 16;
// Beyond so many rounds of blocks it does not show that the last one is not full.
constexpr double kManyRounds = 3.0, kPartOfARound = 0.15;

// What the driver takes of a block's shared memory.
constexpr int kReservedBytes = 1024;

// Blocks that a multiprocessor can have at once; 0 if it can have none, which only patches are too
// large for.
int resident_blocks(const ConvArgs &args, const GpuSize &gpu) {
  const int resident = kCosts[args.tile_kind].resident;
  if (!is_patch(args.tile_kind)) return resident;
  const int bytes = patch_bytes(args);
  if (bytes > gpu.block_shared_memory) return 0;
  return std::min(resident, gpu.shared_memory / (bytes + kReservedBytes));
}

// Tiles with as much in vain as they have of use.
bool too_wide(const ConvArgs &args) {
  const int columns = conv_tile(args.tile_kind).columns;
  return columns > conv_tile(kNarrowTile).columns && columns >= 2 * args.output.channels;
}

// Of all phases together.
struct Work {
  int tiles = 0;
  double steps = 0;  // of a tile, on average
};

Work work_of(const ConvArgs &args) {
  const ConvGrid grid = conv_grid(args);
  if (is_patch(args.tile_kind)) return {grid.tiles(), static_cast<double>(grid.steps)};
  const ConvTile tile = conv_tile(args.tile_kind);
  Work work;
  for (int i = 0; i < grid.phases; ++i) {
    const ConvPhase phase = conv_phase(args, i);
    const int tiles = divide_up(phase_pixels(args, phase), tile.rows) * grid.tile_columns;
    work.tiles += tiles;
    work.steps += static_cast<double>(tiles) * phase_steps(args, phase);
  }
  if (work.tiles > 0) work.steps /= work.tiles;
  return work;
}

double estimated_time(const ConvArgs &args, const Work &work, int splits, int resident,
                      int multiprocessors) {
  const BlockCost &cost = kCosts[args.tile_kind];
  const double blocks = static_cast<double>(work.tiles) * splits / multiprocessors;
  const double whole = std::ceil(blocks), together = std::min<double>(whole, resident);
  const double rounds =
      whole <= kManyRounds * resident ? whole / together : blocks / together + kPartOfARound;
  const double plain = args.number == Number::Fp32 ? kPlainStep : 1.0;
  const double step = plain * (cost.step + together * cost.shared_step);
  double time = (cost.ends + work.steps / splits * step) * rounds;
  if (splits > 1) {
    const ConvTile tile = conv_tile(args.tile_kind);
    time += kSplitCost + kSplitNumberCost * splits * tile.rows * tile.columns;
  }
  return time;
}

}  // namespace

ConvGrid conv_grid(const ConvArgs &args) {
  const ConvTile tile = conv_tile(args.tile_kind);
  ConvGrid grid{0, divide_up(args.output.channels, tile.columns), conv_phases(args), 0};
  if (is_patch(args.tile_kind)) {
    grid.tile_rows = divide_up(patch_positions(args), tile.rows);
    grid.steps =
        divide_up(conv_input_channels(args), step_channels(args.number)) * kPatchEdge * kPatchEdge;
    return grid;
  }
  for (int i = 0; i < grid.phases; ++i) {
    const ConvPhase phase = conv_phase(args, i);
    grid.tile_rows = std::max(grid.tile_rows, divide_up(phase_pixels(args, phase), tile.rows));
    grid.steps = std::max(grid.steps, phase_steps(args, phase));
  }
  return grid;
}

void cut_convolution(ConvArgs &args, const GpuSize &gpu) {
  ConvArgs tried = args;
  tried.splits = 1;
  double shortest = HUGE_VAL;
  for (tried.tile_kind = 0; tried.tile_kind < kConvTileKinds; ++tried.tile_kind) {
    if (!can_have_tiles(tried, tried.tile_kind) || too_wide(tried)) continue;
    const int resident = resident_blocks(tried, gpu);
    if (resident == 0) continue;
    const Work work = work_of(tried);
    const int most = is_patch(tried.tile_kind) ? 1 : kMostSplits;
    for (int splits = 1; splits <= most; ++splits) {
      if (splits > 1 && (work.steps / splits < kFewestSteps ||
                         work.tiles * splits > gpu.multiprocessors * resident))
        break;
      const double time = estimated_time(tried, work, splits, resident, gpu.multiprocessors);
      if (time >= shortest) continue;
      shortest = time;
      args.tile_kind = tried.tile_kind;
      args.splits = splits;
    }
  }
}

std::size_t conv_partial_bytes(const ConvArgs &args) {
  if (args.splits <= 1) return 0;
  const ConvTile tile = conv_tile(args.tile_kind);
  return sizeof(float) * static_cast<std::size_t>(args.splits) *
         static_cast<std::size_t>(conv_grid(args).tiles()) *
         static_cast<std::size_t>(tile.rows * tile.columns);
}

std::size_t conv_counters(const ConvArgs &args) {
  return args.splits <= 1 ? 0 : static_cast<std::size_t>(conv_grid(args).tiles());
}

}  // namespace w2l
