/* gst-wav2lip: w2linfer cuts the face out of a frame that may lie in any memory.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstw2linferprivate.h"

namespace {

class MappedFrame {
 public:
  MappedFrame(const GstVideoInfo &info, GstBuffer *buffer) {
    mapped_ = gst_video_frame_map(&frame_, &info, buffer,
                                  GstMapFlags(GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF));
  }
  ~MappedFrame() {
    if (mapped_) gst_video_frame_unmap(&frame_);
  }
  MappedFrame(const MappedFrame &) = delete;
  MappedFrame &operator=(const MappedFrame &) = delete;
  bool ok() const { return mapped_; }
  const GstVideoFrame &get() const { return frame_; }

 private:
  GstVideoFrame frame_;
  bool mapped_;
};

}  // namespace

w2l::FaceCrop gst_w2l_infer_cut_face(const w2l::VideoStream &video, w2l::CropExtractor &extractor,
                                     GstBuffer *frame, const GstW2lBox &box,
                                     const w2l::EngineInfo &engine) {
  w2l::FaceCrop crop;
  MappedFrame mapped(video.info, frame);

  if (!mapped.ok())
    throw w2l::Error(w2l::ErrorCode::Failed,
                     "a video frame cannot be read in system memory; put cudadownload or "
                     "videoconvert before the element");
  if (!extractor.cut(mapped.get(), box, engine.crop_size, engine.max_crop_edge, &crop))
    throw w2l::Error(w2l::ErrorCode::Failed, "a face box is not inside its frame");
  return crop;
}
