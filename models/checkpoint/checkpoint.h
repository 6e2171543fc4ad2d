// gst-wav2lip: reads the tensors of a PyTorch checkpoint, legacy pickle or zip, without Torch.
// Network descriptions look tensors up in it; backends read them one at a time.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mapped_file.h"
#include "pickle.h"

namespace w2l {

// One tensor of a state_dict. Its elements stay in the file until read() copies them out.
struct CheckpointTensor {
  pickle::Dtype dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  // in elements
  ByteSpan storage;                   // starts at the first element

  std::int64_t count() const;  // of elements
};

// "(512, 256, 3, 3)"
std::string shape_text(const std::vector<std::int64_t> &shape);

class Checkpoint {
 public:
  // Takes {"state_dict": ...} or a bare state_dict; a prefix "module." of a key is dropped. Only
  // descriptions are read: neither the tensors nor an optimizer's state touch memory.
  // Throws Error; its message starts with the quoted path.
  static Checkpoint open(const std::string &path);

  const std::string &path() const { return path_; }

  // By name, sorted.
  const std::map<std::string, CheckpointTensor> &tensors() const { return tensors_; }
  const CheckpointTensor *find(const std::string &name) const;  // nullptr: not there

  // Elements in C order, converted. The pages that were read are given back to the system.
  // Throws Error(Unsupported) for types other than floating-point and int64.
  std::vector<float> read(const CheckpointTensor &tensor) const;
  // Into memory that is used again: to get pages from the system costs more than to fill them.
  void read(const CheckpointTensor &tensor, std::vector<float> &values) const;

 private:
  Checkpoint(std::string path, std::unique_ptr<MappedFile> file);
  void read_zip();
  void read_legacy();
  void take_state_dict(const pickle::Object &object, const std::map<std::string, ByteSpan> &found);
  void add(const std::string &name, const pickle::Object &object, const pickle::Tensor &tensor,
           const std::map<std::string, ByteSpan> &storages);

  std::string path_;
  std::unique_ptr<MappedFile> file_;
  std::map<std::string, CheckpointTensor> tensors_;
};

}  // namespace w2l
