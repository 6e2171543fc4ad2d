// gst-wav2lip: paints a network's answer into a mapped frame. w2lpatch chooses a kernel when caps
// are set and calls it once for every patch of a frame.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <memory>
#include <opencv2/core.hpp>

#include "placement.h"

namespace w2l {

class BlendKernel {
 public:
  virtual ~BlendKernel() = default;

  // Stretches `image` (8-bit BGR) to the patch's box as OpenCV's bilinear cv::resize does and
  // blends the placement's region into `frame`, mapped for writing, of the format the kernel was
  // made for. Rows of `image` outside patch.valid are not read. Nothing outside the region changes;
  // in subsampled formats chroma sites that the region covers in part change in proportion. The
  // placement is visible().
  virtual void blend(GstVideoFrame *frame, const cv::Mat &image, const PatchGeometry &patch,
                     const Placement &placement, double feather) = 0;
};

// `info`: one of GST_W2L_VIDEO_FORMATS.
std::unique_ptr<BlendKernel> make_blend_kernel(const GstVideoInfo &info);

// The two families of kernels: packed R'G'B', and planar or semi-planar Y'CbCr.
std::unique_ptr<BlendKernel> make_packed_kernel(const GstVideoInfo &info);
std::unique_ptr<BlendKernel> make_yuv_kernel(const GstVideoInfo &info);

}  // namespace w2l
