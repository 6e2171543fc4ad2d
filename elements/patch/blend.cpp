// gst-wav2lip: choice of a blend kernel, and the one for packed R'G'B'; see blend.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "blend.h"

#include <opencv2/imgproc.hpp>
#include <vector>

#include "mask.h"
#include "row_kernels.h"

namespace w2l {
namespace {

// `image` itself when every row is valid, otherwise a copy in `scratch` whose other rows repeat the
// nearest valid one.
const cv::Mat &with_valid_rows_only(const cv::Mat &image, RowRange valid, cv::Mat &scratch) {
  if (valid.first <= 0 && valid.end >= image.rows) return image;
  // cv::resize reads whole images; what it makes of the repeated rows is never pasted.
  cv::copyMakeBorder(image.rowRange(valid.first, valid.end), scratch, valid.first,
                     image.rows - valid.end, 0, 0, cv::BORDER_REPLICATE | cv::BORDER_ISOLATED);
  return scratch;
}

// RGB with 3 or 4 bytes a pixel in any order. The small answer is brought into the frame's byte
// order before it is stretched; from there on a row is just bytes, with coverage 0 on alpha.
class PackedKernel final : public BlendKernel {
 public:
  explicit PackedKernel(const GstVideoInfo &info)
      : samples_(GST_VIDEO_INFO_COMP_PSTRIDE(&info, GST_VIDEO_COMP_R)),
        blue_(GST_VIDEO_INFO_COMP_POFFSET(&info, GST_VIDEO_COMP_B)),
        green_(GST_VIDEO_INFO_COMP_POFFSET(&info, GST_VIDEO_COMP_G)),
        red_(GST_VIDEO_INFO_COMP_POFFSET(&info, GST_VIDEO_COMP_R)),
        mask_(samples_, 1U << blue_ | 1U << green_ | 1U << red_) {}

  void blend(GstVideoFrame *frame, const cv::Mat &image, const PatchGeometry &patch,
             const Placement &placement, double feather) override {
    const GstW2lBox &box = patch.box, &region = placement.region;
    cv::Size size(box.x2 - box.x1, box.y2 - box.y1);
    mask_.update(size.width, size.height, placement.rows, feather);
    const cv::Mat &valid = with_valid_rows_only(image, patch.valid, valid_);
    cv::resize(in_frame_order(valid), scaled_, size, 0, 0, cv::INTER_LINEAR);

    int skipped = (region.x1 - box.x1) * samples_;
    int count = (region.x2 - region.x1) * samples_;
    auto *pixels = static_cast<std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(frame, 0));
    std::ptrdiff_t stride = GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0);
    for (int y = region.y1; y < region.y2; y++) {
      const std::uint16_t *alpha = mask_.row(y - box.y1) + skipped;
      if (placement.opacity < kOpaque) {
        alpha_.resize(count);
        scale_alpha_row(alpha_.data(), alpha, placement.opacity, count);
        alpha = alpha_.data();
      }
      blend_row(pixels + y * stride + region.x1 * samples_, scaled_.ptr(y - box.y1) + skipped,
                alpha, count);
    }
  }

 private:
  const cv::Mat &in_frame_order(const cv::Mat &bgr) {
    if (samples_ == 3 && blue_ == 0) return bgr;
    const int from_to[] = {0, blue_, 1, green_, 2, red_, -1, 6 - blue_ - green_ - red_};
    ordered_.create(bgr.size(), CV_8UC(samples_));
    cv::mixChannels(&bgr, 1, &ordered_, 1, from_to, samples_);
    return ordered_;
  }

  const int samples_;
  const int blue_, green_, red_;  // byte offsets in a pixel
  FeatherMask mask_;
  cv::Mat valid_, ordered_, scaled_;
  std::vector<std::uint16_t> alpha_;
};

}  // namespace

std::unique_ptr<BlendKernel> make_packed_kernel(const GstVideoInfo &info) {
  return std::make_unique<PackedKernel>(info);
}

std::unique_ptr<BlendKernel> make_blend_kernel(const GstVideoInfo &info) {
  return GST_VIDEO_INFO_IS_RGB(&info) ? make_packed_kernel(info) : make_yuv_kernel(info);
}

}  // namespace w2l
