// gst-wav2lip: the directory of a zip archive. See zip_archive.h; offsets are those of the records
// in PKWARE's APPNOTE.TXT.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "zip_archive.h"

#include <algorithm>

namespace w2l {
namespace {

constexpr std::uint32_t kEndRecord = 0x06054b50, kEndRecord64 = 0x06064b50;
constexpr std::uint32_t kEndLocator64 = 0x07064b50;
constexpr std::uint32_t kEntryRecord = 0x02014b50, kLocalHeader = 0x04034b50;
constexpr std::uint64_t kEndRecordSize = 22, kEndLocator64Size = 20;
constexpr std::uint64_t kEntryRecordSize = 46, kLocalHeaderSize = 30;
constexpr std::uint64_t kLongestComment = 65535;
constexpr std::uint64_t kMaxEntries = 100000;  // checkpoints with optimizer state have 1,100
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;    // "the zip64 extra field has the value"
constexpr std::uint16_t kExtra64 = 1;

}  // namespace

template <typename T>
T ZipArchive::number(std::uint64_t offset) const {
  if (!file_.contains(offset, sizeof(T))) fail_damaged(path_, "its zip directory ends early");
  return load_little<T>(file_.data + offset);
}

ZipArchive::ZipArchive(ByteSpan file, const std::string &path) : file_(file), path_(path) {
  const Directory directory = locate();
  if (directory.entries > kMaxEntries || !file_.contains(directory.offset, directory.size))
    fail_damaged(path_, "its zip directory is impossible");
  std::uint64_t offset = directory.offset;
  for (std::uint64_t i = 0; i < directory.entries; ++i) offset = read_entry(offset);
}

ZipArchive::Directory ZipArchive::locate() const {
  if (file_.size < kEndRecordSize) fail_damaged(path_, "it is cut short");
  // The end record is the last thing in the file but for a comment that torch never writes.
  std::uint64_t at = file_.size - kEndRecordSize;
  const std::uint64_t lowest = at - std::min(at, kLongestComment);
  while (number<std::uint32_t>(at) != kEndRecord) {
    if (at == lowest) fail_damaged(path_, "it is cut short (a zip file without an end)");
    --at;
  }
  const Directory directory = {number<std::uint32_t>(at + 16), number<std::uint32_t>(at + 12),
                               number<std::uint16_t>(at + 10)};
  if (directory.offset == kIn64 || directory.size == kIn64 || directory.entries == 0xFFFF)
    return locate_zip64(at);
  return directory;
}

ZipArchive::Directory ZipArchive::locate_zip64(std::uint64_t end_record) const {
  if (end_record < kEndLocator64Size ||
      number<std::uint32_t>(end_record - kEndLocator64Size) != kEndLocator64)
    fail_damaged(path_, "its zip64 directory is missing");
  const auto at = number<std::uint64_t>(end_record - kEndLocator64Size + 8);
  if (!file_.contains(at, 56) || number<std::uint32_t>(at) != kEndRecord64)
    fail_damaged(path_, "its zip64 directory is missing");
  return {number<std::uint64_t>(at + 48), number<std::uint64_t>(at + 40),
          number<std::uint64_t>(at + 32)};
}

// Returns the offset of the next entry's record.
std::uint64_t ZipArchive::read_entry(std::uint64_t offset) {
  if (!file_.contains(offset, kEntryRecordSize) || number<std::uint32_t>(offset) != kEntryRecord)
    fail_damaged(path_, "its zip directory ends early");
  const auto flags = number<std::uint16_t>(offset + 8), method = number<std::uint16_t>(offset + 10);
  std::uint64_t stored = number<std::uint32_t>(offset + 20);
  std::uint64_t size = number<std::uint32_t>(offset + 24);
  const auto name_size = number<std::uint16_t>(offset + 28);
  const auto extra_size = number<std::uint16_t>(offset + 30);
  const auto comment_size = number<std::uint16_t>(offset + 32);
  std::uint64_t local_header = number<std::uint32_t>(offset + 42);
  const std::uint64_t name_at = offset + kEntryRecordSize, extra_at = name_at + name_size;
  const std::uint64_t next = extra_at + extra_size + comment_size;
  if (!file_.contains(offset, next - offset)) fail_damaged(path_, "its zip directory ends early");
  const std::string name(reinterpret_cast<const char *>(file_.data + name_at), name_size);
  if (method != 0 || flags & 1)
    fail(ErrorCode::Unsupported, path_,
         "is a compressed or encrypted zip archive (entry \"" + printable(name) +
             "\"); unpack it, or write the checkpoint with torch.save");
  // The 64-bit values stand in this order, and only those that did not fit their own fields.
  for (std::uint64_t at = extra_at; at + 4 <= extra_at + extra_size;) {
    const auto id = number<std::uint16_t>(at), length = number<std::uint16_t>(at + 2);
    std::uint64_t value_at = at + 4;
    if (id == kExtra64) {
      for (std::uint64_t *value : {&size, &stored, &local_header}) {
        if (*value != kIn64) continue;
        if (value_at + 8 > at + 4 + length) fail_damaged(path_, "a zip64 entry is incomplete");
        *value = number<std::uint64_t>(value_at);
        value_at += 8;
      }
    }
    at += 4u + length;
  }
  if (stored != size) fail_damaged(path_, "a zip entry has two sizes");
  if (!name.empty() && name.back() != '/') add(name, local_header, size);
  return next;
}

void ZipArchive::add(const std::string &name, std::uint64_t local_header, std::uint64_t size) {
  if (!file_.contains(local_header, kLocalHeaderSize) ||
      number<std::uint32_t>(local_header) != kLocalHeader)
    fail_damaged(path_, "a zip entry is missing");
  // The local header's extra field differs from the directory's: it holds torch's padding.
  const std::uint64_t data = local_header + kLocalHeaderSize +
                             number<std::uint16_t>(local_header + 26) +
                             number<std::uint16_t>(local_header + 28);
  if (!file_.contains(data, size)) fail_damaged(path_, "a zip entry reaches past its end");
  const std::size_t slash = name.find('/');
  const std::string inner = slash == std::string::npos ? name : name.substr(slash + 1);
  const ByteSpan bytes{file_.data + data, static_cast<std::size_t>(size)};
  if (!entries_.emplace(inner, bytes).second)
    fail_damaged(path_, "it has two entries \"" + printable(inner) + "\"");
}

const ByteSpan *ZipArchive::find(const std::string &name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

bool ZipArchive::has_folder(const std::string &prefix) const {
  const auto found = entries_.lower_bound(prefix);
  return found != entries_.end() && found->first.compare(0, prefix.size(), prefix) == 0;
}

}  // namespace w2l
