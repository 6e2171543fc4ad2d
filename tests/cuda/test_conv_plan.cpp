// gst-wav2lip tests: how convolutions are cut into tiles and parts.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "conv_plan.h"

#include <gtest/gtest.h>

#include "conv_tiles.h"

namespace w2l {
namespace {

constexpr GpuSize kLargeGpu{132, 228 * 1024, 227 * 1024}, kSmallGpu{20, 100 * 1024, 99 * 1024};

// A 3x3 convolution of `images` square pictures.
ConvArgs layer(int images, int edge, int in, int out) {
  ConvArgs args;
  args.number = Number::Fp16;
  args.images = images;
  args.inputs[0].channels = in;
  args.output.channels = out;
  args.input_height = args.input_width = args.output_height = args.output_width = edge;
  args.kernel_height = args.kernel_width = 3;
  args.padding_height = args.padding_width = 1;
  return args;
}

ConvArgs transposed(int images, int edge, int in, int out) {
  ConvArgs args = layer(images, edge, in, out);
  args.transposed = true;
  args.output_height = args.output_width = 2 * edge;
  return args;
}

ConvArgs cut(ConvArgs args, const GpuSize &gpu = kLargeGpu) {
  cut_convolution(args, gpu);
  return args;
}

ConvGrid grid(ConvArgs args, int kind) {
  args.tile_kind = kind;
  return conv_grid(args);
}

// What was fastest when all were measured.
TEST(ConvPlan, TakesWhatIsFastestOnAnH100) {
  EXPECT_EQ(cut(layer(128, 96, 64, 64)).tile_kind, kMediumPatch);
  EXPECT_EQ(cut(layer(128, 96, 80, 32)).tile_kind, kNarrowPatch);
  EXPECT_EQ(cut(transposed(128, 24, 320, 128)).tile_kind, kLargestTile);
  EXPECT_EQ(cut(transposed(128, 48, 160, 64)).tile_kind, kMediumTile);
  EXPECT_EQ(cut(layer(1, 24, 256, 256)).tile_kind, kSmallTile);
}

TEST(ConvPlan, NoPatchesWhereTheyDoNotFit) {
  EXPECT_EQ(cut(layer(128, 96, 64, 64), kSmallGpu).tile_kind, kMediumTile);
  ConvArgs wide = layer(128, 96, 64, 64);
  wide.input_width = wide.output_width = 2000;
  EXPECT_FALSE(is_patch(cut(wide).tile_kind));
}

TEST(ConvPlan, PatchesAreForThreeByThree) {
  ConvArgs args = layer(128, 96, 64, 64);
  EXPECT_TRUE(can_have_tiles(args, kMediumPatch));
  args.stride_width = 2;
  EXPECT_FALSE(can_have_tiles(args, kMediumPatch));
  args = layer(128, 96, 64, 64);
  args.padding_height = 0;
  EXPECT_FALSE(can_have_tiles(args, kMediumPatch));
  args = layer(128, 96, 64, 64);
  args.kernel_height = 1;
  EXPECT_FALSE(can_have_tiles(args, kMediumPatch));
  EXPECT_FALSE(can_have_tiles(transposed(1, 8, 64, 64), kMediumPatch));
}

TEST(ConvPlan, Fp32HasNoLargeTiles) {
  ConvArgs args = layer(64, 48, 128, 128);
  args.number = Number::Fp32;
  EXPECT_FALSE(can_have_tiles(args, kLargestTile));
  EXPECT_FALSE(can_have_tiles(args, kNarrowPatch));
  EXPECT_EQ(cut(args).tile_kind, kMediumTile);
}

TEST(ConvPlan, NoTilesThatAreMostlyEmpty) {
  for (int images : {1, 128})
    for (int channels : {8, 16, 32})
      EXPECT_EQ(conv_tile(cut(layer(images, 96, 8, channels)).tile_kind).columns, 32);
  EXPECT_EQ(cut(layer(1, 96, 8, 40)).tile_kind, kSmallTile);
}

TEST(ConvPlan, OnlyNeededRowsCount) {
  ConvArgs args = layer(1, 64, 8, 32);
  EXPECT_EQ(grid(args, kNarrowTile).tile_rows, 32);
  EXPECT_EQ(grid(args, kNarrowPatch).tile_rows, 65 * 65 / 256 + 1);  // with zeros
  args.first_row = 63;
  EXPECT_EQ(grid(args, kNarrowTile).tile_rows, 1);
  EXPECT_EQ(grid(args, kNarrowPatch).tile_rows, 1);  // three rows: the one above, it, zeros
  args.first_row = 64;
  EXPECT_EQ(grid(args, kNarrowTile).tiles(), 0);
  EXPECT_EQ(grid(args, kNarrowPatch).tiles(), 0);
  EXPECT_EQ(cut(args).splits, 1);
}

TEST(ConvPlan, PhasesOfATransposedConvolution) {
  ConvArgs args = transposed(1, 8, 64, 32);
  const ConvGrid phases = grid(args, kNarrowTile);
  EXPECT_EQ(phases.phases, 4);
  EXPECT_EQ(phases.tile_rows, 1);
  EXPECT_EQ(phases.steps, 4 * 64 / 32);  // of the phase that has four taps
  args.first_row = 3;                    // the odd rows from 3 on, the even ones from 4 on
  EXPECT_EQ(conv_phase(args, 0).vertical.first, 2);
  EXPECT_EQ(conv_phase(args, 0).vertical.count, 6);
  EXPECT_EQ(conv_phase(args, 2).vertical.first, 1);
  EXPECT_EQ(conv_phase(args, 2).vertical.count, 7);
}

TEST(ConvPlan, SplitsFillTheGpu) {
  EXPECT_EQ(cut(layer(1, 24, 256, 256)).splits, 7);             // 36 tiles, 72 steps
  EXPECT_EQ(cut(layer(1, 3, 512, 512)).splits, 13);             // 8 tiles, 144 steps
  EXPECT_EQ(cut(layer(1, 3, 512, 512), kSmallGpu).splits, 10);  // all that it can run at once
  EXPECT_EQ(cut(layer(128, 24, 256, 256)).splits, 1);
}

TEST(ConvPlan, PartsAreNotTooSmall) {
  EXPECT_EQ(cut(layer(1, 3, 64, 64)).splits, 4);  // 18 steps
  EXPECT_EQ(cut(layer(1, 3, 32, 64)).splits, 1);  // nine: adding two parts up would take longer
  EXPECT_EQ(cut(layer(1, 3, 8, 64)).splits, 1);
}

TEST(ConvPlan, MemoryForParts) {
  ConvArgs args = layer(1, 24, 256, 256);
  EXPECT_EQ(conv_partial_bytes(args), 0u);
  EXPECT_EQ(conv_counters(args), 0u);
  args.splits = 7;
  EXPECT_EQ(conv_partial_bytes(args), 7u * 36u * 64u * 64u * 4u);
  EXPECT_EQ(conv_counters(args), 36u);
  args = transposed(1, 8, 64, 32);
  args.tile_kind = kNarrowTile;
  args.splits = 2;
  EXPECT_EQ(conv_partial_bytes(args), 2u * 4u * 128u * 32u * 4u);
  EXPECT_EQ(conv_counters(args), 4u);
}

}  // namespace
}  // namespace w2l
