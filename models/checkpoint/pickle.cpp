// gst-wav2lip: a restricted unpickler (the opcodes of protocol 2, and of protocol 4 what it takes
// to name what a file wants to run). See pickle.h; opcodes are those of Python's pickletools.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pickle.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "pickle_globals.h"

namespace w2l::pickle {
namespace {

// Far above what checkpoints hold (one with optimizer state has 30 thousand values), and low
// enough that a hostile file costs no memory worth the name.
constexpr std::size_t kMaxValues = 400000;
constexpr std::size_t kMaxBytes = 64u << 20;

class Unpickler {
 public:
  Unpickler(ByteSpan bytes, const std::string &path)
      : bytes_{bytes.data, std::min(bytes.size, kMaxBytes)}, path_(path) {}

  Object run() {
    for (;;) {
      const std::uint8_t opcode = *take(1);
      if (opcode == '.') break;
      if (!scalar(opcode) && !container(opcode) && !memo(opcode) && !object(opcode))
        damaged("pickle opcode " + std::to_string(opcode) + " is not one of a checkpoint's");
    }
    object_.root = pop();
    object_.size = position_;
    return std::move(object_);
  }

 private:
  [[noreturn]] void damaged(const std::string &what) const {
    fail_damaged(path_, what + " (byte " + std::to_string(position_) + " of the pickle)");
  }

  const std::uint8_t *take(std::uint64_t count) {
    if (!bytes_.contains(position_, count)) damaged("its pickle ends early");
    const std::uint8_t *start = bytes_.data + position_;
    position_ += static_cast<std::size_t>(count);
    return start;
  }

  template <typename T>
  T number() {
    return load_little<T>(take(sizeof(T)));
  }

  std::string_view text(std::uint64_t size) {
    return {reinterpret_cast<const char *>(take(size)), static_cast<std::size_t>(size)};
  }

  std::string_view line() {
    const std::size_t room = std::min(bytes_.size - position_, kMaxName);
    const void *end = std::memchr(bytes_.data + position_, '\n', room);
    if (!end) damaged("a name in its pickle has no end");
    const auto size = static_cast<const std::uint8_t *>(end) - (bytes_.data + position_);
    const std::string_view result = text(static_cast<std::uint64_t>(size));
    take(1);
    return result;
  }

  // The stack and the values.

  void push_ref(Ref ref) {
    if (stack_.size() >= kMaxValues) damaged("its pickle has too many values");
    stack_.push_back(ref);
  }

  Ref push(Value value) {
    if (object_.values.size() >= kMaxValues) damaged("its pickle has too many values");
    object_.values.push_back(std::move(value));
    const Ref ref = static_cast<Ref>(object_.values.size() - 1);
    push_ref(ref);
    return ref;
  }

  void push_integer(std::int64_t integer) {
    Value value;
    value.kind = Kind::Int;
    value.integer = integer;
    push(std::move(value));
  }

  void push_bool(bool truth) {
    Value value;
    value.kind = Kind::Bool;
    value.integer = truth;
    push(std::move(value));
  }

  void push_text(Kind kind, std::string_view text) {
    Value value;
    value.kind = kind;
    value.text = text;
    push(std::move(value));
  }

  void push_container(Kind kind, std::vector<Ref> items) {
    count_items(items.size());
    Value value;
    value.kind = kind;
    value.items = std::move(items);
    push(std::move(value));
  }

  // Values above the newest mark are what the opcodes in between have made.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  Ref pop() {
    if (stack_.size() <= floor()) damaged("its pickle takes a value that is not there");
    const Ref ref = stack_.back();
    stack_.pop_back();
    return ref;
  }

  Value &top() {
    if (stack_.size() <= floor()) damaged("its pickle takes a value that is not there");
    return object_.values[stack_.back()];
  }

  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) damaged("its pickle closes a group that was not opened");
    const auto start = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Ref> items(start, stack_.end());
    stack_.erase(start, stack_.end());
    marks_.pop_back();
    return items;
  }

  std::vector<Ref> pop_some(std::size_t count) {
    std::vector<Ref> items(count);
    while (count > 0) items[--count] = pop();
    return items;
  }

  void append(Kind kind, const std::vector<Ref> &items) {
    Value &target = top();
    if (target.kind != kind) damaged("its pickle fills something that is not a container");
    count_items(items.size());
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  // Refs are cheap to repeat: what counts is how many are kept.
  void count_items(std::size_t count) {
    item_count_ += count;
    if (item_count_ > kMaxValues) damaged("its pickle has too many values");
  }

  // Opcodes by group; each returns whether the opcode was one of its own.

  bool scalar(std::uint8_t opcode) {
    switch (opcode) {
      case 'N':
        push(Value());
        return true;
      case 0x88:
      case 0x89:
        push_bool(opcode == 0x88);
        return true;
      case 'J':
        push_integer(number<std::int32_t>());
        return true;
      case 'K':
        push_integer(number<std::uint8_t>());
        return true;
      case 'M':
        push_integer(number<std::uint16_t>());
        return true;
      case 0x8a:
        long_integer(number<std::uint8_t>());
        return true;
      case 'G':
        real();
        return true;
      case 'X':
      case 'T':
        push_text(Kind::String, text(number<std::uint32_t>()));
        return true;
      case 'U':
      case 0x8c:
        push_text(Kind::String, text(number<std::uint8_t>()));
        return true;
      default:
        return false;
    }
  }

  void long_integer(std::uint8_t size) {
    const std::string_view digits = text(size);
    if (size > 8) return push_text(Kind::LongInt, digits);
    std::uint64_t value = size > 0 && (digits.back() & 0x80) ? ~std::uint64_t{0} : 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(digits[i]);
    push_integer(static_cast<std::int64_t>(value));
  }

  void real() {
    const std::uint8_t *bytes = take(8);  // big-endian, unlike everything else
    std::uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) bits = bits << 8 | bytes[i];
    Value value;
    value.kind = Kind::Float;
    std::memcpy(&value.real, &bits, 8);
    push(std::move(value));
  }

  bool container(std::uint8_t opcode) {
    switch (opcode) {
      case '(':
        if (marks_.size() >= kMaxValues) damaged("its pickle has too many groups");
        marks_.push_back(stack_.size());
        return true;
      case '}':
        push_container(Kind::Dict, {});
        return true;
      case ']':
        push_container(Kind::List, {});
        return true;
      case ')':
        push_container(Kind::Tuple, {});
        return true;
      case 't':
        push_container(Kind::Tuple, pop_to_mark());
        return true;
      case 0x85:
      case 0x86:
      case 0x87:
        push_container(Kind::Tuple, pop_some(opcode - 0x84u));
        return true;
      case 'a':
        append(Kind::List, pop_some(1));
        return true;
      case 'e':
        append(Kind::List, pop_to_mark());
        return true;
      case 's':
        append(Kind::Dict, pop_some(2));
        return true;
      case 'u':
        set_items(pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  void set_items(const std::vector<Ref> &items) {
    if (items.size() % 2 != 0) damaged("its pickle has a key without a value");
    append(Kind::Dict, items);
  }

  bool memo(std::uint8_t opcode) {
    switch (opcode) {
      case 'q':
        remember(number<std::uint8_t>());
        return true;
      case 'r':
        remember(number<std::uint32_t>());
        return true;
      case 0x94:
        remember(static_cast<std::uint32_t>(memo_.size()));
        return true;
      case 'h':
        recall(number<std::uint8_t>());
        return true;
      case 'j':
        recall(number<std::uint32_t>());
        return true;
      default:
        return false;
    }
  }

  void remember(std::uint32_t key) {
    if (memo_.size() >= kMaxValues) damaged("its pickle has too many values");
    top();
    memo_[key] = stack_.back();
  }

  void recall(std::uint32_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) damaged("its pickle uses a value that it has not made");
    push_ref(found->second);
  }

  bool object(std::uint8_t opcode) {
    switch (opcode) {
      case 0x80:
        if (number<std::uint8_t>() > 5) damaged("its pickle has an unknown protocol");
        return true;
      case 0x95:
        take(8);  // length of a frame: only a hint for buffering
        return true;
      case 'c': {
        const std::string_view module = line();
        global(module, line());
        return true;
      }
      case 0x93: {
        const std::vector<Ref> names = pop_some(2);
        global(expect(names[0], Kind::String).text, expect(names[1], Kind::String).text);
        return true;
      }
      case 'R':
        reduce();
        return true;
      case 'Q':
        persistent_id();
        return true;
      case 'b':
        build();
        return true;
      default:
        return false;
    }
  }

  const Value &expect(Ref ref, Kind kind) const {
    const Value &value = object_.values[ref];
    if (value.kind != kind) damaged("its pickle has a value of the wrong type");
    return value;
  }

  void global(std::string_view module, std::string_view name) {
    const std::uint32_t index = find_global(module, name);
    if (index == kNoGlobal)
      fail(ErrorCode::Format, path_,
           "wants to run \"" + printable(std::string(module) + "." + std::string(name)) +
               "\": refused, since a checkpoint holds tensors and no code; use a file from a "
               "source you trust");
    Value value;
    value.kind = Kind::Global;
    value.index = index;
    push(std::move(value));
  }

  // A copy, since making values moves them. Short, so that repeating one long tuple costs nothing.
  std::vector<Ref> short_tuple(Ref ref) const {
    const Value &value = expect(ref, Kind::Tuple);
    constexpr std::size_t kMaxArguments = 16;
    if (value.items.size() > kMaxArguments) damaged("its pickle calls with too many values");
    return value.items;
  }

  void reduce() {
    const std::vector<Ref> call = pop_some(2);
    const Global &callee = kGlobals[expect(call[0], Kind::Global).index];
    const std::vector<Ref> arguments = short_tuple(call[1]);
    switch (callee.role) {
      case Role::OrderedDict:
        return ordered_dict(arguments);
      case Role::RebuildTensor:
        return tensor(arguments);
      case Role::RebuildParameter:
        if (arguments.empty()) damaged("its pickle has a parameter without a tensor");
        expect(arguments[0], Kind::Tensor);
        return push_ref(arguments[0]);
      case Role::Size:
        if (arguments.size() != 1) damaged("its pickle has a wrong torch.Size");
        return push_ref(arguments[0]);
      case Role::Device:
        push(Value());
        return;
      case Role::StorageType:
      case Role::DtypeName:
        break;
    }
    damaged(std::string("its pickle calls ") + callee.name);
  }

  // OrderedDict(), or as Python 2 wrote it OrderedDict([[key, value], ...]).
  void ordered_dict(const std::vector<Ref> &arguments) {
    std::vector<Ref> items;
    if (!arguments.empty()) {
      for (Ref pair : expect(arguments[0], Kind::List).items) {
        const Value &value = object_.values[pair];
        if ((value.kind != Kind::List && value.kind != Kind::Tuple) || value.items.size() != 2)
          damaged("its pickle has an OrderedDict that is not made of pairs");
        items.insert(items.end(), value.items.begin(), value.items.end());
      }
    }
    Value value;
    value.kind = Kind::Dict;
    value.ordered = true;
    push(std::move(value));
    append(Kind::Dict, items);
  }

  std::int64_t natural(Ref ref) const {
    const Value &value = expect(ref, Kind::Int);
    if (value.integer < 0) damaged("its pickle has a negative size");
    return value.integer;
  }

  std::vector<std::int64_t> naturals(Ref ref) const {
    const Value &value = object_.values[ref];
    if (value.kind != Kind::Tuple && value.kind != Kind::List)
      damaged("its pickle has a tensor without a shape");
    constexpr std::size_t kMaxDimensions = 8;
    if (value.items.size() > kMaxDimensions) damaged("its pickle has a tensor of 9 dimensions");
    std::vector<std::int64_t> result;
    for (Ref item : value.items) result.push_back(natural(item));
    return result;
  }

  // _rebuild_tensor_v2(storage, offset, shape, strides, ...what only training needs).
  void tensor(const std::vector<Ref> &arguments) {
    if (arguments.size() < 4) damaged("its pickle has an incomplete tensor");
    Tensor tensor;
    tensor.storage = expect(arguments[0], Kind::Storage).index;
    tensor.offset = natural(arguments[1]);
    tensor.shape = naturals(arguments[2]);
    tensor.strides = naturals(arguments[3]);
    check_extent(tensor);
    Value value;
    value.kind = Kind::Tensor;
    value.index = static_cast<std::uint32_t>(object_.tensors.size());
    object_.tensors.push_back(std::move(tensor));
    push(std::move(value));
  }

  // Every element lies inside the storage, and there are no more of them than it has.
  void check_extent(const Tensor &tensor) const {
    const std::int64_t room = object_.storages[tensor.storage].view_count;
    if (tensor.shape.size() != tensor.strides.size())
      damaged("its pickle has a tensor whose shape and strides differ in length");
    std::int64_t count = 1, last = tensor.offset;
    bool empty = false, overflow = false;
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      const std::int64_t size = tensor.shape[i];
      if (size == 0) empty = true;
      if (size == 0) continue;
      std::int64_t step;
      overflow |= __builtin_mul_overflow(size - 1, tensor.strides[i], &step);
      overflow |= __builtin_add_overflow(last, step, &last);
      overflow |= __builtin_mul_overflow(count, size, &count);
    }
    if (overflow || (!empty && (last >= room || count > room)) || tensor.offset > room)
      damaged("its pickle has a tensor that reaches outside its storage");
  }

  // ('storage', type, key, location, count[, (view key, view offset, view count)])
  void persistent_id() {
    const std::vector<Ref> id = short_tuple(pop());
    if (id.size() < 5 || expect(id[0], Kind::String).text != "storage")
      damaged("its pickle refers to something that is not a storage");
    const Global &type = kGlobals[expect(id[1], Kind::Global).index];
    if (type.role != Role::StorageType) damaged("its pickle has a storage of an unknown type");
    Storage storage;
    storage.dtype = type.dtype;
    storage.key = expect(id[2], Kind::String).text;
    if (storage.key.size() > kMaxName) damaged("the name of a storage is too long");
    storage.count = natural(id[4]);
    storage.view_count = storage.count;
    if (id.size() > 5 && object_.values[id[5]].kind != Kind::None) view(storage, id[5]);
    Value value;
    value.kind = Kind::Storage;
    value.index = static_cast<std::uint32_t>(object_.storages.size());
    object_.storages.push_back(storage);
    push(std::move(value));
  }

  void view(Storage &storage, Ref ref) const {
    const std::vector<Ref> &parts = expect(ref, Kind::Tuple).items;
    if (parts.size() != 3) damaged("its pickle has an incomplete view of a storage");
    storage.view_offset = natural(parts[1]);
    storage.view_count = natural(parts[2]);
    if (storage.view_offset > storage.count ||
        storage.view_count > storage.count - storage.view_offset)
      damaged("its pickle has a view that reaches outside its storage");
  }

  // Attributes of a state_dict (_metadata) carry nothing that is needed.
  void build() {
    pop();
    if (top().kind != Kind::Dict || !top().ordered)
      damaged("its pickle sets attributes of something that has none");
  }

  ByteSpan bytes_;
  const std::string &path_;
  std::size_t position_ = 0;
  Object object_;
  std::vector<Ref> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint32_t, Ref> memo_;
  std::size_t item_count_ = 0;
};

}  // namespace

Object parse(ByteSpan bytes, const std::string &path) {
  return Unpickler(bytes, path).run();
}

}  // namespace w2l::pickle
