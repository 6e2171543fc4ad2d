// gst-wav2lip: the directory of a zip archive as torch.save writes it: stored entries, zip64 when
// large. Checkpoint looks up data.pkl and the storages in it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>

#include "mapped_file.h"

namespace w2l {

class ZipArchive {
 public:
  // `path` is for messages. Throws Error(Format), or Error(Unsupported) for entries that are
  // compressed or encrypted (torch never writes such).
  ZipArchive(ByteSpan file, const std::string &path);

  // Names are without the archive's own top folder: "data.pkl", "data/0".
  // nullptr when there is no such entry.
  const ByteSpan *find(const std::string &name) const;

  // Whether some entry's name starts so.
  bool has_folder(const std::string &prefix) const;

 private:
  struct Directory {
    std::uint64_t offset, size, entries;
  };
  Directory locate() const;
  Directory locate_zip64(std::uint64_t end_record) const;
  std::uint64_t read_entry(std::uint64_t offset);
  void add(const std::string &name, std::uint64_t local_header, std::uint64_t size);

  template <typename T>
  T number(std::uint64_t offset) const;

  ByteSpan file_;
  const std::string &path_;
  std::map<std::string, ByteSpan> entries_;
};

}  // namespace w2l
