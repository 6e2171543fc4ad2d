// gst-wav2lip: reads the tensors of a PyTorch checkpoint. See checkpoint.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "checkpoint.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "convert.h"
#include "huge_pages.h"
#include "zip_archive.h"

namespace w2l {
namespace {

using pickle::Kind;
using pickle::Object;
using pickle::Value;

using Storages = std::map<std::string, ByteSpan>;

ByteSpan after(ByteSpan bytes, std::size_t offset) {
  return {bytes.data + offset, bytes.size - offset};
}

std::int64_t bytes_of(const pickle::Storage &storage, const std::string &path) {
  std::int64_t size;
  if (__builtin_mul_overflow(storage.count,
                             static_cast<std::int64_t>(pickle::byte_size(storage.dtype)), &size))
    fail_damaged(path, "a storage is impossibly large");
  return size;
}

bool starts_with(ByteSpan bytes, const char *text) {
  const std::size_t size = std::strlen(text);
  return bytes.size >= size && std::memcmp(bytes.data, text, size) == 0;
}

// Protocol 0 has no header: a name on each of two lines is what gives it away.
bool looks_like_pickle(ByteSpan bytes) {
  if (bytes.data[0] == 0x80) return true;
  return bytes.size > 8 && bytes.data[0] == 'c' && bytes.data[1] != ' ' &&
         std::memchr(bytes.data, '\n', std::min<std::size_t>(bytes.size, 64)) &&
         !std::memchr(bytes.data, ' ', std::min<std::size_t>(bytes.size, 8));
}

// What torch.save wrote first until version 1.6: 0x1950a86a20f9469cfc6c.
bool is_legacy_magic(const Object &object) {
  const Value &root = object[object.root];
  return root.kind == Kind::LongInt && root.text == "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
}

void check_format_version(const Object &object, const std::string &path) {
  const Value &root = object[object.root];
  if (root.kind != Kind::Int || root.integer != 1001)
    fail(ErrorCode::Unsupported, path,
         "has an unknown version of torch.save's format; save it again with a current PyTorch");
}

void check_byte_order(const Object &object, const std::string &path) {
  const Value &root = object[object.root];
  const Value *little = root.kind == Kind::Dict ? object.find(root, "little_endian") : nullptr;
  if (!little || little->kind != Kind::Bool || !little->integer)
    fail(ErrorCode::Unsupported, path,
         "was written on a big-endian machine; save it again on this one");
}

// Every key must mean one storage.
std::map<std::string_view, pickle::Storage> storages_by_key(const Object &object,
                                                            const std::string &path) {
  std::map<std::string_view, pickle::Storage> result;
  for (const pickle::Storage &storage : object.storages) {
    const auto [place, fresh] = result.emplace(storage.key, storage);
    if (!fresh && (place->second.dtype != storage.dtype || place->second.count != storage.count))
      fail_damaged(path, "a storage is described in two ways");
  }
  return result;
}

// The payloads follow the list of keys, each after its count of elements.
Storages locate_legacy(const Object &object, const Object &keys, ByteSpan rest,
                       const std::string &path) {
  const auto known = storages_by_key(object, path);
  Storages result;
  const Value &list = keys[keys.root];
  if (list.kind != Kind::List) fail_damaged(path, "the list of its storages is missing");
  for (pickle::Ref ref : list.items) {
    const Value &key = keys[ref];
    const auto found = known.find(key.text);
    if (key.kind != Kind::String || found == known.end())
      fail_damaged(path, "a storage belongs to no tensor");
    const std::int64_t size = bytes_of(found->second, path);
    if (!rest.contains(8, static_cast<std::uint64_t>(size))) fail_damaged(path, "it is cut short");
    if (load_little<std::int64_t>(rest.data) != found->second.count)
      fail_damaged(path, "a storage has two sizes");
    const ByteSpan bytes{rest.data + 8, static_cast<std::size_t>(size)};
    if (!result.emplace(std::string(key.text), bytes).second)
      fail_damaged(path, "a storage is listed twice");
    rest = after(rest, 8 + bytes.size);
  }
  return result;
}

Storages locate_zip(const ZipArchive &archive, const Object &object, const std::string &path) {
  Storages result;
  for (const auto &[key, storage] : storages_by_key(object, path)) {
    const ByteSpan *bytes = archive.find("data/" + std::string(key));
    if (!bytes) fail_damaged(path, "storage " + printable(std::string(key)) + " is missing");
    if (bytes->size != static_cast<std::uint64_t>(bytes_of(storage, path)))
      fail_damaged(path, "storage " + printable(std::string(key)) + " has two sizes");
    result.emplace(key, *bytes);
  }
  return result;
}

}  // namespace

std::int64_t CheckpointTensor::count() const {
  std::int64_t result = 1;
  for (std::int64_t size : shape) result *= size;
  return result;
}

std::string shape_text(const std::vector<std::int64_t> &shape) {
  std::string text;
  for (std::int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "(" + text + ")";
}

Checkpoint::Checkpoint(std::string path, std::unique_ptr<MappedFile> file)
    : path_(std::move(path)), file_(std::move(file)) {}

Checkpoint Checkpoint::open(const std::string &path) {
  Checkpoint checkpoint(path, std::make_unique<MappedFile>(path));
  const ByteSpan bytes = checkpoint.file_->bytes();
  if (starts_with(bytes, "PK"))
    checkpoint.read_zip();
  else if (looks_like_pickle(bytes))
    checkpoint.read_legacy();
  else if (starts_with(bytes, "<"))
    fail(ErrorCode::Format, path,
         "is a web page, not a checkpoint: the download went wrong; download it again");
  else
    fail(ErrorCode::Format, path,
         "is not a checkpoint (neither a zip archive nor a pickle); pass wav2lip.pth or "
         "wav2lip_gan.pth");
  // The walk over the storages touched a page of each.
  checkpoint.file_->release(bytes);
  return checkpoint;
}

void Checkpoint::read_zip() {
  const ZipArchive archive(file_->bytes(), path_);
  if (archive.find("constants.pkl") || archive.has_folder("code/"))
    fail(ErrorCode::Unsupported, path_,
         "is a TorchScript archive, a format that this version cannot read yet; pass a "
         "checkpoint with a state_dict such as wav2lip_gan.pth");
  const ByteSpan *pickle = archive.find("data.pkl");
  if (!pickle)
    fail(ErrorCode::Format, path_,
         "is a zip archive, but not a checkpoint (no data.pkl in it); pass wav2lip.pth or "
         "wav2lip_gan.pth");
  const ByteSpan *order = archive.find("byteorder");
  if (order && !starts_with(*order, "little"))
    fail(ErrorCode::Unsupported, path_,
         "was written on a big-endian machine; save it again on this one");
  const Object object = pickle::parse(*pickle, path_);
  take_state_dict(object, locate_zip(archive, object, path_));
}

void Checkpoint::read_legacy() {
  // Five pickles (magic number, format version, machine, object, list of storages), then bytes.
  ByteSpan rest = file_->bytes();
  const auto next = [this, &rest] {
    Object object = pickle::parse(rest, path_);
    rest = after(rest, object.size);
    return object;
  };
  if (!is_legacy_magic(next()))
    fail(ErrorCode::Format, path_,
         "is a pickle, but not one of torch.save; pass wav2lip.pth or wav2lip_gan.pth");
  check_format_version(next(), path_);
  check_byte_order(next(), path_);
  const Object object = next();
  const Object keys = next();
  take_state_dict(object, locate_legacy(object, keys, rest, path_));
}

void Checkpoint::take_state_dict(const Object &object, const Storages &storages) {
  const Value *dict = &object[object.root];
  if (dict->kind == Kind::Dict) {
    const Value *nested = object.find(*dict, "state_dict");
    if (nested && nested->kind == Kind::Dict) dict = nested;
  }
  if (dict->kind != Kind::Dict)
    fail(ErrorCode::Format, path_,
         "is not a Wav2Lip checkpoint: it holds no dictionary of tensors; pass wav2lip.pth or "
         "wav2lip_gan.pth");
  // torch.nn.DataParallel, which published checkpoints were trained with, adds this.
  const std::string_view prefix = "module.";
  for (std::size_t i = 0; i + 1 < dict->items.size(); i += 2) {
    const Value &key = object[dict->items[i]], &value = object[dict->items[i + 1]];
    if (key.kind != Kind::String || value.kind != Kind::Tensor) continue;
    if (key.text.size() > pickle::kMaxName) fail_damaged(path_, "the name of a tensor is too long");
    std::string_view name = key.text;
    if (name.substr(0, prefix.size()) == prefix) name.remove_prefix(prefix.size());
    add(std::string(name), object, object.tensors[value.index], storages);
  }
}

void Checkpoint::add(const std::string &name, const Object &object, const pickle::Tensor &tensor,
                     const Storages &storages) {
  const pickle::Storage &storage = object.storages[tensor.storage];
  const auto bytes = storages.find(std::string(storage.key));
  if (bytes == storages.end())
    fail_damaged(path_, "the storage of tensor \"" + printable(name) + "\" is missing");
  // The unpickler has checked that offset and extent lie inside the view, and it in the storage.
  const std::size_t offset = static_cast<std::size_t>(storage.view_offset + tensor.offset) *
                             pickle::byte_size(storage.dtype);
  CheckpointTensor entry{storage.dtype, tensor.shape, tensor.strides, after(bytes->second, offset)};
  if (!tensors_.emplace(name, std::move(entry)).second)
    fail_damaged(path_, "it has two tensors \"" + printable(name) + "\"");
}

const CheckpointTensor *Checkpoint::find(const std::string &name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::vector<float> Checkpoint::read(const CheckpointTensor &tensor) const {
  std::vector<float> values;
  read(tensor, values);
  return values;
}

void Checkpoint::read(const CheckpointTensor &tensor, std::vector<float> &values) const {
  // The part of the storage between the first and the last element.
  std::int64_t extent = 1;
  const std::int64_t count = tensor.count();
  for (std::size_t i = 0; count > 0 && i < tensor.shape.size(); ++i)
    extent += (tensor.shape[i] - 1) * tensor.strides[i];
  const ByteSpan range{tensor.storage.data,
                       count > 0 ? static_cast<std::size_t>(extent) * byte_size(tensor.dtype) : 0};
  if (values.capacity() < static_cast<std::size_t>(count)) {
    values = {};
    values.reserve(static_cast<std::size_t>(count));
    prefer_huge_pages(values.data(), values.capacity() * sizeof(float));
  }
  values.resize(static_cast<std::size_t>(count));
  file_->will_need(range);
  if (!gather(tensor.dtype, range, tensor.shape, tensor.strides, values))
    fail(ErrorCode::Unsupported, path_,
         std::string("has a tensor of type ") + to_string(tensor.dtype) +
             "; save it again as float32");
  file_->release(range);
}

}  // namespace w2l
