// gst-wav2lip: the blend kernel for planar and semi-planar Y'CbCr; see blend.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "blend.h"
#include "linear_stretch.h"
#include "mask.h"
#include "row_kernels.h"

namespace w2l {
namespace {

// Works in bands of as many luma rows as share a chroma row. A chroma site takes the average
// colour of the pasted pixels it covers and their average coverage, where pixels that are not
// pasted count as 0, and those beyond the frame's odd edge do not count.
class YuvKernel final : public BlendKernel {
 public:
  explicit YuvKernel(const GstVideoInfo &info)
      : x_shift_(GST_VIDEO_FORMAT_INFO_W_SUB(info.finfo, GST_VIDEO_COMP_U)),
        y_shift_(GST_VIDEO_FORMAT_INFO_H_SUB(info.finfo, GST_VIDEO_COMP_U)),
        frame_width_(GST_VIDEO_INFO_WIDTH(&info)),
        frame_height_(GST_VIDEO_INFO_HEIGHT(&info)),
        coefficients_(matrix_of(info)) {}

  void blend(GstVideoFrame *frame, const cv::Mat &image, const PatchGeometry &patch,
             const Placement &placement, double feather) override {
    box_ = patch.box;
    region_ = placement.region;
    opacity_ = placement.opacity;
    mask_.update(box_.x2 - box_.x1, box_.y2 - box_.y1, placement.rows, feather);
    stretch_rows(image);

    left_ = region_.x1 >> x_shift_ << x_shift_;
    sites_ = ((region_.x2 - left_) + (1 << x_shift_) - 1) >> x_shift_;
    reserve();
    int step = 1 << y_shift_;
    for (int top = region_.y1 >> y_shift_ << y_shift_; top < region_.y2; top += step)
      blend_band(frame, top, step);
  }

 private:
  static GstW2lColorMatrix matrix_of(const GstVideoInfo &info) {
    GstW2lColorMatrix matrix;
    gst_w2l_color_matrix_init(&matrix, &info);
    return matrix;
  }

  // Of the answer, those that are pasted; they are made of valid rows only.
  void stretch_rows(const cv::Mat &image) {
    const int width = box_.x2 - box_.x1;
    const RowRange rows{region_.y1 - box_.y1, region_.y2 - box_.y1};
    stretch_.set_sizes(image.cols, image.rows, width, box_.y2 - box_.y1);
    const RowRange read = stretch_.rows_read(rows);
    // Splitting the small answer is cheaper than splitting the stretched one.
    cv::split(image.rowRange(read.first, read.end), small_);
    for (int c = 0; c < 3; c++) {
      scaled_[c].create(rows.size(), width, CV_8UC1);
      const auto stride = static_cast<std::ptrdiff_t>(small_[c].step);
      stretch_.stretch(small_[c].data, stride, rows, scaled_[c].data);
    }
  }

  // Vertical sums of B, G, R and coverage, padded to whole chroma sites; then one per site.
  enum { kB, kG, kR, kAlpha, kSums };

  void reserve() {
    int width = region_.x2 - region_.x1;
    alpha_.resize(width);
    luma_.resize(width);
    for (auto &sums : column_sums_) sums.resize(static_cast<std::size_t>(sites_) << x_shift_);
    for (auto &sums : site_sums_) sums.resize(sites_);
    site_alpha_.resize(sites_);
    cb_.resize(sites_);
    cr_.resize(sites_);
    pairs_.resize(2 * static_cast<std::size_t>(sites_));
    pair_alpha_.resize(2 * static_cast<std::size_t>(sites_));
  }

  void blend_band(GstVideoFrame *frame, int top, int step) {
    for (auto &sums : column_sums_) std::fill(sums.begin(), sums.end(), 0);
    for (int y = top; y < top + step; y++) {
      bool pasted = y >= region_.y1 && y < region_.y2;
      // A row that is not pasted counts with its neighbour's colour, so that the average stays
      // the one of the pasted pixels.
      int nearest = std::clamp(y, region_.y1, region_.y2 - 1);
      const std::uint16_t *alpha = alpha_row(nearest);
      if (pasted) blend_luma(frame, y, alpha);
      add_to_sums(nearest, pasted || y >= frame_height_ ? alpha : nullptr);
    }
    pad_sums();
    blend_chroma(frame, top >> y_shift_);
  }

  const std::uint16_t *alpha_row(int y) {
    const std::uint16_t *alpha = mask_.row(y - box_.y1) + (region_.x1 - box_.x1);
    if (opacity_ >= kOpaque) return alpha;
    scale_alpha_row(alpha_.data(), alpha, opacity_, region_.x2 - region_.x1);
    return alpha_.data();
  }

  const std::uint8_t *scaled_row(int component, int y) const {
    return scaled_[component].ptr(y - region_.y1) + (region_.x1 - box_.x1);
  }

  void blend_luma(GstVideoFrame *frame, int y, const std::uint16_t *alpha) {
    int width = region_.x2 - region_.x1;
    luma_row(luma_.data(), scaled_row(kB, y), scaled_row(kG, y), scaled_row(kR, y), coefficients_,
             width);
    blend_row(component_row(frame, GST_VIDEO_COMP_Y, y) + region_.x1, luma_.data(), alpha, width);
  }

  void add_to_sums(int y, const std::uint16_t *alpha) {
    int offset = region_.x1 - left_, width = region_.x2 - region_.x1;
    for (int c : {kB, kG, kR}) add_row(column_sums_[c].data() + offset, scaled_row(c, y), width);
    if (alpha) add_row(column_sums_[kAlpha].data() + offset, alpha, width);
  }

  // Columns that are not pasted, like rows: the neighbour's colour, no coverage.
  void pad_sums() {
    std::size_t first = region_.x1 - left_, end = region_.x2 - left_;
    for (int c = 0; c < kSums; c++) {
      auto &sums = column_sums_[c];
      if (first == 1) sums[0] = c == kAlpha ? 0 : sums[1];
      bool counts = c != kAlpha || region_.x2 == frame_width_;
      if (end < sums.size()) sums[end] = counts ? sums[end - 1] : 0;
    }
  }

  void blend_chroma(GstVideoFrame *frame, int row) {
    const std::uint16_t *sums[kSums];
    for (int c = 0; c < kSums; c++) {
      if (x_shift_) add_pairs(site_sums_[c].data(), column_sums_[c].data(), sites_);
      sums[c] = x_shift_ ? site_sums_[c].data() : column_sums_[c].data();
    }
    chroma_row(cb_.data(), cr_.data(), site_alpha_.data(), sums[kB], sums[kG], sums[kR],
               sums[kAlpha], x_shift_ + y_shift_, coefficients_, sites_);

    int spacing = GST_VIDEO_FRAME_COMP_PSTRIDE(frame, GST_VIDEO_COMP_U);
    std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(left_ >> x_shift_) * spacing;
    std::uint8_t *u = component_row(frame, GST_VIDEO_COMP_U, row) + offset;
    std::uint8_t *v = component_row(frame, GST_VIDEO_COMP_V, row) + offset;
    if (spacing == 1) {
      blend_row(u, cb_.data(), site_alpha_.data(), sites_);
      blend_row(v, cr_.data(), site_alpha_.data(), sites_);
      return;
    }
    const auto &first = u < v ? cb_ : cr_, &second = u < v ? cr_ : cb_;
    interleave_row(pairs_.data(), first.data(), second.data(), sites_);
    duplicate_row(pair_alpha_.data(), site_alpha_.data(), sites_);
    blend_row(std::min(u, v), pairs_.data(), pair_alpha_.data(), 2 * sites_);
  }

  static std::uint8_t *component_row(GstVideoFrame *frame, int component, int row) {
    auto *data = static_cast<std::uint8_t *>(GST_VIDEO_FRAME_COMP_DATA(frame, component));
    return data + static_cast<std::ptrdiff_t>(row) * GST_VIDEO_FRAME_COMP_STRIDE(frame, component);
  }

  const int x_shift_, y_shift_;
  const int frame_width_, frame_height_;
  const YuvCoefficients coefficients_;
  FeatherMask mask_;

  // Of the patch being blended.
  GstW2lBox box_{}, region_{};
  int opacity_ = 0;
  int left_ = 0;   // region's left edge on the chroma grid
  int sites_ = 0;  // chroma sites in a row

  // Scratch that keeps its memory from frame to frame.
  LinearStretch stretch_;
  cv::Mat small_[3], scaled_[3];  // the rows that are needed
  std::vector<std::uint16_t> alpha_, column_sums_[kSums], site_sums_[kSums], site_alpha_,
      pair_alpha_;
  std::vector<std::uint8_t> luma_, cb_, cr_, pairs_;
};

}  // namespace

std::unique_ptr<BlendKernel> make_yuv_kernel(const GstVideoInfo &info) {
  return std::make_unique<YuvKernel>(info);
}

}  // namespace w2l
