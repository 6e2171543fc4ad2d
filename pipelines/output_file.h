// gst-lipsync-1.0: the output appears under its name only when it is complete.
// GStreamer-free; the runner writes to partial() and calls commit() once at the very end.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace lipsync {

class OutputFile {
 public:
  // Checks without leaving anything behind: the name ends with .mp4 or .m4v, is no folder and none
  // of `inputs`, and its folder can be written. Throws UserError.
  OutputFile(const std::string &path, const std::vector<std::string> &inputs);
  ~OutputFile();  // removes what was not committed
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  // Creates the temporary files beside the output. Throws UserError.
  void create();
  const std::string &path() const { return path_; }
  const std::string &partial() const { return partial_; }      // valid after create()
  const std::string &faststart() const { return faststart_; }  // scratch file of the muxer

  // Flushes the temporary file to disk and renames it. Throws UserError.
  void commit();

 private:
  void remove_temporary_files();

  std::string path_;
  std::string partial_;
  std::string faststart_;
  std::string made_folder_;  // by us; removed again with a failed run when still empty
};

}  // namespace lipsync
