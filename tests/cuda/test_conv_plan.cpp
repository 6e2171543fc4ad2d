// gst-wav2lip tests: how convolutions are cut into tiles and parts.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "conv_plan.h"

#include <gtest/gtest.h>

#include "conv_tiles.h"

namespace w2l {
namespace {

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

TEST(ConvPlan, LargeTilesWhereThereAreEnough) {
  EXPECT_EQ(conv_grid(layer(8, 48, 128, 128)).kind, kLargestTile);
  EXPECT_EQ(conv_grid(layer(8, 48, 128, 128)).tiles(), 8 * 48 * 48 / 128);
  EXPECT_EQ(conv_grid(layer(8, 96, 64, 64)).kind, kMediumTile);
  EXPECT_EQ(conv_grid(layer(8, 24, 256, 256)).kind, kMediumTile);
  EXPECT_EQ(conv_grid(layer(1, 24, 256, 256)).kind, kSmallTile);
  EXPECT_EQ(conv_grid(layer(1, 24, 256, 256)).tiles(), 9 * 4);
}

TEST(ConvPlan, NarrowTilesForFewChannels) {
  for (int images : {1, 128})
    for (int channels : {8, 16, 32})
      EXPECT_EQ(conv_grid(layer(images, 96, 8, channels)).kind, kNarrowTile);
  EXPECT_NE(conv_grid(layer(1, 96, 8, 40)).kind, kNarrowTile);
}

TEST(ConvPlan, TheLargestTileIsNotForFp32) {
  ConvArgs args = layer(64, 48, 128, 128);
  args.number = Number::Fp32;
  EXPECT_EQ(conv_grid(args).kind, kMediumTile);
}

TEST(ConvPlan, OnlyNeededRowsCount) {
  ConvArgs args = layer(1, 64, 8, 32);
  EXPECT_EQ(conv_grid(args).tile_rows, 32);
  args.first_row = 63;
  EXPECT_EQ(conv_grid(args).tile_rows, 1);
  args.first_row = 64;
  EXPECT_EQ(conv_grid(args).tiles(), 0);
  EXPECT_EQ(conv_splits(args, 132), 1);
}

TEST(ConvPlan, PhasesOfATransposedConvolution) {
  ConvArgs args = transposed(1, 8, 64, 32);
  ConvGrid grid = conv_grid(args);
  EXPECT_EQ(grid.phases, 4);
  EXPECT_EQ(grid.tile_rows, 1);
  EXPECT_EQ(grid.steps, 4 * 64 / 32);  // of the phase that has four taps
  args.first_row = 3;                  // the odd rows from 3 on, the even ones from 4 on
  EXPECT_EQ(conv_phase(args, 0).vertical.first, 2);
  EXPECT_EQ(conv_phase(args, 0).vertical.count, 6);
  EXPECT_EQ(conv_phase(args, 2).vertical.first, 1);
  EXPECT_EQ(conv_phase(args, 2).vertical.count, 7);
}

TEST(ConvPlan, SplitsFillTheGpu) {
  EXPECT_EQ(conv_splits(layer(1, 24, 256, 256), 132), 7);  // 36 tiles, 72 steps
  EXPECT_EQ(conv_splits(layer(1, 3, 512, 512), 132), 16);  // 8 tiles, 144 steps
  EXPECT_EQ(conv_splits(layer(1, 3, 512, 512), 20), 5);
  EXPECT_EQ(conv_splits(layer(128, 24, 256, 256), 132), 1);
}

TEST(ConvPlan, PartsAreNotTooSmall) {
  EXPECT_EQ(conv_splits(layer(1, 3, 32, 64), 132), 2);  // one tile, nine steps
  EXPECT_EQ(conv_splits(layer(1, 3, 8, 64), 132), 1);
}

TEST(ConvPlan, MemoryForParts) {
  ConvArgs args = layer(1, 24, 256, 256);
  EXPECT_EQ(conv_partial_bytes(args), 0u);
  EXPECT_EQ(conv_counters(args), 0u);
  args.splits = 7;
  EXPECT_EQ(conv_partial_bytes(args), 7u * 36u * 64u * 64u * 4u);
  EXPECT_EQ(conv_counters(args), 36u);
  args = transposed(1, 8, 64, 32);
  args.splits = 2;
  EXPECT_EQ(conv_partial_bytes(args), 2u * 4u * 128u * 32u * 4u);
  EXPECT_EQ(conv_counters(args), 4u);
}

}  // namespace
}  // namespace w2l
