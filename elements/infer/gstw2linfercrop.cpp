/* gst-wav2lip: w2linfer cuts the face out of a frame that may lie in any memory.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstw2linferprivate.h"
#include "mapped_frame.h"

w2l::FaceCrop gst_w2l_infer_cut_face(const w2l::VideoStream &video, w2l::CropExtractor &extractor,
                                     GstBuffer *frame, const GstW2lBox &box,
                                     const w2l::EngineInfo &engine) {
  w2l::FaceCrop crop;
  w2l::MappedFrame mapped(video.info, frame, GST_MAP_READ,
                          "a video frame cannot be read in system memory; put cudadownload or "
                          "videoconvert before the element");

  if (!extractor.cut(*mapped.get(), box, engine.crop_size, engine.max_crop_edge, &crop))
    throw w2l::Error(w2l::ErrorCode::Failed, "a face box is not inside its frame");
  return crop;
}
