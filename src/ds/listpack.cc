#include "ds/listpack.h"

#include <cstdlib>
#include <cstring>

#include "base/assert.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "ds/listpack_format.h"

namespace hearth::ds {

namespace format = listpack_format;

// An entry ready to be written: the prefix with the number or the length, then the text if it is one.
struct Listpack::Encoded {
  uint8_t prefix[9];
  size_t prefix_bytes = 0;
  std::string_view text;

  explicit Encoded(int64_t number) { EncodeNumber(number); }
  explicit Encoded(std::string_view value) {
    if (const auto number = ParseInt64(value)) {
      EncodeNumber(*number);
    } else {
      EncodeText(value);
    }
  }

  size_t EncodedSize() const { return prefix_bytes + text.size(); }
  size_t EntrySize() const { return EncodedSize() + format::BackLengthBytes(EncodedSize()); }

  void WriteTo(uint8_t* to) const {
    std::memcpy(to, prefix, prefix_bytes);
    if (!text.empty()) std::memcpy(to + prefix_bytes, text.data(), text.size());
    format::WriteBackLength(to + EncodedSize(), EncodedSize());
  }

 private:
  void EncodeText(std::string_view value) {
    HEARTH_ASSERT(value.size() < kMaxBytes);
    text = value;
    if (value.size() < 64) {
      prefix[0] = static_cast<uint8_t>(0x80 | value.size());
      prefix_bytes = 1;
    } else if (value.size() < 4096) {
      prefix[0] = static_cast<uint8_t>(0xe0 | value.size() >> 8);
      prefix[1] = static_cast<uint8_t>(value.size());
      prefix_bytes = 2;
    } else {
      prefix[0] = format::kString32;
      StoreLittle(prefix + 1, static_cast<uint32_t>(value.size()));
      prefix_bytes = 5;
    }
  }

  void EncodeNumber(int64_t number) {
    constexpr int64_t kMaxInt24 = (1 << 23) - 1;
    if (number >= 0 && number <= 127) {
      prefix[0] = static_cast<uint8_t>(number);
      prefix_bytes = 1;
    } else if (number >= -4096 && number <= 4095) {
      prefix[0] = static_cast<uint8_t>(0xc0 | ((number >> 8) & 0x1f));
      prefix[1] = static_cast<uint8_t>(number);
      prefix_bytes = 2;
    } else if (number == static_cast<int16_t>(number)) {
      Store(format::kInt16, number, 2);
    } else if (number >= -kMaxInt24 - 1 && number <= kMaxInt24) {
      Store(format::kInt24, number, 3);
    } else if (number == static_cast<int32_t>(number)) {
      Store(format::kInt32, number, 4);
    } else {
      Store(format::kInt64, number, 8);
    }
  }

  void Store(uint8_t kind, int64_t number, size_t bytes) {
    prefix[0] = kind;
    std::memcpy(prefix + 1, &number, bytes);
    prefix_bytes = 1 + bytes;
  }
};

std::string_view ListpackValue::View(NumberBuffer& buffer) const {
  if (!is_number) return text;
  return {buffer.bytes, static_cast<size_t>(FormatInt64(number, buffer.bytes))};
}

std::string ListpackValue::ToString() const {
  NumberBuffer buffer;
  return std::string(View(buffer));
}

// --- reading ---

size_t ListpackView::TotalBytes() const { return LoadLittle<uint32_t>(bytes_); }

size_t ListpackView::Length() const {
  const uint16_t count = LoadLittle<uint16_t>(bytes_ + 4);
  if (count != format::kCountUnknown) return count;
  size_t walked = 0;
  for (Position at = First(); at != kNone; at = Next(at)) ++walked;
  return walked;
}

ListpackView::Position ListpackView::First() const {
  return bytes_[format::kHeaderBytes] == format::kEnd ? kNone : format::kHeaderBytes;
}

ListpackView::Position ListpackView::Last() const { return Previous(TotalBytes() - 1); }

ListpackView::Position ListpackView::Next(Position position) const {
  position += format::EntryBytes(bytes_ + position);
  return bytes_[position] == format::kEnd ? kNone : position;
}

ListpackView::Position ListpackView::Previous(Position position) const {
  if (position == format::kHeaderBytes) return kNone;
  const size_t encoded = format::ReadBackLength(bytes_ + position - 1);
  return position - encoded - format::BackLengthBytes(encoded);
}

ListpackView::Position ListpackView::Seek(int64_t index) const {
  const uint16_t known_count = LoadLittle<uint16_t>(bytes_ + 4);
  if (known_count != format::kCountUnknown) {
    const int64_t count = known_count;
    if (index < 0) index += count;
    if (index < 0 || index >= count) return kNone;
    if (index > count / 2) index -= count;
  }
  Position at = index < 0 ? Last() : First();
  for (; index < -1 && at != kNone; ++index) at = Previous(at);
  for (; index > 0 && at != kNone; --index) at = Next(at);
  return at;
}

ListpackValue ListpackView::Get(Position position) const {
  const uint8_t* entry = bytes_ + position;
  const uint8_t first = entry[0];
  const auto number = [](int64_t value) { return ListpackValue{{}, value, true}; };
  const auto text = [entry](size_t prefix, size_t size) {
    return ListpackValue{{reinterpret_cast<const char*>(entry) + prefix, size}, 0, false};
  };
  if (format::IsUint7(first)) return number(first);
  if (format::IsString6(first)) return text(1, first & 0x3f);
  // Shifting the sign bit to the top and back extends it.
  if (format::IsInt13(first)) return number(static_cast<int16_t>((first << 8 | entry[1]) << 3) >> 3);
  if (format::IsString12(first)) return text(2, static_cast<size_t>((first & 0x0f) << 8 | entry[1]));
  switch (first) {
    case format::kInt16:
      return number(LoadLittle<int16_t>(entry + 1));
    case format::kInt24: {
      const uint32_t low = LoadLittle<uint16_t>(entry + 1);
      return number(static_cast<int32_t>((low | static_cast<uint32_t>(entry[3]) << 16) << 8) >> 8);
    }
    case format::kInt32:
      return number(LoadLittle<int32_t>(entry + 1));
    case format::kInt64:
      return number(LoadLittle<int64_t>(entry + 1));
    default:
      return text(5, LoadLittle<uint32_t>(entry + 1));
  }
}

size_t ListpackView::EntryBytesAt(Position position) const { return format::EntryBytes(bytes_ + position); }

bool ListpackView::Equals(Position position, std::string_view text) const {
  const ListpackValue value = Get(position);
  if (!value.is_number) return value.text == text;
  const auto number = ParseInt64(text);
  return number && *number == value.number;
}

// The text is parsed once; entries that are not compared are stepped over by their size alone.
ListpackView::Position ListpackView::Find(std::string_view text, Position from, size_t skip) const {
  const auto number = ParseInt64(text);
  for (Position at = from; at != kNone;) {
    const ListpackValue value = Get(at);
    // Numbers may be stored as text by other writers of the format, so that text is compared in any case.
    if (value.is_number ? number && *number == value.number : value.text == text) return at;
    at = Next(at);
    for (size_t i = 0; i < skip && at != kNone; ++i) at = Next(at);
  }
  return kNone;
}

// --- writing ---

void Listpack::Free::operator()(uint8_t* block) const { std::free(block); }

Listpack::Listpack(size_t reserve_bytes) {
  const size_t size = GoodAllocationSize(reserve_bytes < kEmptyBytes ? kEmptyBytes : reserve_bytes);
  block_.reset(static_cast<uint8_t*>(std::malloc(size)));
  HEARTH_ASSERT(block_ != nullptr);
  StoreLittle(block_.get(), static_cast<uint32_t>(kEmptyBytes));
  StoreLittle<uint16_t>(block_.get() + 4, 0);
  block_.get()[format::kHeaderBytes] = format::kEnd;
}

Listpack Listpack::Copy(std::string_view raw) {
  HEARTH_ASSERT(raw.size() >= kEmptyBytes);
  Listpack copy(raw.size());
  std::memcpy(copy.block_.get(), raw.data(), raw.size());
  return copy;
}

size_t Listpack::MemoryBytes() const { return AllocationSize(block_.get()); }

size_t Listpack::EntryBytes(std::string_view text) { return Encoded(text).EntrySize(); }
size_t Listpack::EntryBytes(int64_t number) { return Encoded(number).EntrySize(); }

Listpack::Position Listpack::EndPosition() const { return TotalBytes() - 1; }

Listpack::Position Listpack::PositionAfter(Position position) const {
  return position + View().EntryBytesAt(position);
}

Listpack::Position Listpack::Append(std::string_view text) { return Put(EndPosition(), 0, Encoded(text)); }
Listpack::Position Listpack::Append(int64_t number) { return Put(EndPosition(), 0, Encoded(number)); }
Listpack::Position Listpack::Prepend(std::string_view text) {
  return Put(format::kHeaderBytes, 0, Encoded(text));
}
Listpack::Position Listpack::Prepend(int64_t number) { return Put(format::kHeaderBytes, 0, Encoded(number)); }

Listpack::Position Listpack::InsertBefore(Position position, std::string_view text) {
  return Put(position, 0, Encoded(text));
}
Listpack::Position Listpack::InsertBefore(Position position, int64_t number) {
  return Put(position, 0, Encoded(number));
}
Listpack::Position Listpack::InsertAfter(Position position, std::string_view text) {
  return Put(PositionAfter(position), 0, Encoded(text));
}
Listpack::Position Listpack::InsertAfter(Position position, int64_t number) {
  return Put(PositionAfter(position), 0, Encoded(number));
}
Listpack::Position Listpack::Replace(Position position, std::string_view text) {
  return Put(position, View().EntryBytesAt(position), Encoded(text));
}
Listpack::Position Listpack::Replace(Position position, int64_t number) {
  return Put(position, View().EntryBytesAt(position), Encoded(number));
}

Listpack::Position Listpack::Put(Position at, size_t replaced_bytes, const Encoded& entry) {
  entry.WriteTo(OpenGap(at, replaced_bytes, entry.EntrySize()));
  if (replaced_bytes == 0) AddToCount(1, ListpackView(nullptr));
  return at;
}

// Makes the `old_bytes` at `at` into `new_bytes`, moving what is behind them, and returns where they are. The
// block grows to the size class it needs and no further, and shrinks when a quarter of it would lie idle.
uint8_t* Listpack::OpenGap(Position at, size_t old_bytes, size_t new_bytes) {
  const size_t old_total = TotalBytes();
  const size_t new_total = old_total - old_bytes + new_bytes;
  HEARTH_ASSERT(at >= format::kHeaderBytes && at + old_bytes < old_total && new_total <= kMaxBytes);
  if (new_total > old_total && new_total > AllocationSize(block_.get())) {
    auto* grown = static_cast<uint8_t*>(std::realloc(block_.get(), GoodAllocationSize(new_total)));
    HEARTH_ASSERT(grown != nullptr);
    static_cast<void>(block_.release());
    block_.reset(grown);
  }
  uint8_t* gap = block_.get() + at;
  if (new_bytes != old_bytes) std::memmove(gap + new_bytes, gap + old_bytes, old_total - at - old_bytes);
  StoreLittle(block_.get(), static_cast<uint32_t>(new_total));
  if (new_total < old_total) {
    Shrink();
    gap = block_.get() + at;
  }
  return gap;
}

void Listpack::Shrink() {
  const size_t needed = GoodAllocationSize(TotalBytes());
  if (needed > AllocationSize(block_.get()) / 4 * 3) return;
  auto* shrunk = static_cast<uint8_t*>(std::realloc(block_.get(), needed));
  HEARTH_ASSERT(shrunk != nullptr);
  static_cast<void>(block_.release());
  block_.reset(shrunk);
}

// Keeps the header's count, which sticks at "unknown" once it has passed 65534.
void Listpack::AddToCount(int64_t change, ListpackView added) {
  const uint16_t count = LoadLittle<uint16_t>(block_.get() + 4);
  if (count == format::kCountUnknown) return;
  if (added.bytes() != nullptr) change += static_cast<int64_t>(added.Length());
  const int64_t sum = count + change;
  StoreLittle(block_.get() + 4,
              sum < format::kCountUnknown ? static_cast<uint16_t>(sum) : format::kCountUnknown);
}

Listpack::Position Listpack::Delete(Position position, size_t count) {
  const ListpackView view = View();
  const uint8_t* bytes = view.bytes();
  Position behind = position;
  size_t removed = 0;
  for (; removed < count && bytes[behind] != format::kEnd; ++removed)
    behind += format::EntryBytes(bytes + behind);
  if (removed == 0) return kNone;
  OpenGap(position, behind - position, 0);
  AddToCount(-static_cast<int64_t>(removed), ListpackView(nullptr));
  return block_.get()[position] == format::kEnd ? kNone : position;
}

size_t Listpack::DeleteRange(int64_t start, size_t count) {
  const Position position = View().Seek(start);
  if (position == kNone || count == 0) return 0;
  const size_t before = Length();
  Delete(position, count);
  return before - Length();
}

void Listpack::AppendAll(ListpackView other) {
  const size_t entries = other.TotalBytes() - kEmptyBytes;
  std::memcpy(OpenGap(EndPosition(), 0, entries), other.bytes() + format::kHeaderBytes, entries);
  AddToCount(0, other);
}

void Listpack::PrependAll(ListpackView other) {
  const size_t entries = other.TotalBytes() - kEmptyBytes;
  std::memcpy(OpenGap(format::kHeaderBytes, 0, entries), other.bytes() + format::kHeaderBytes, entries);
  AddToCount(0, other);
}

Listpack Listpack::SplitOff(Position position) {
  const size_t entries = EndPosition() - position;
  Listpack rest(kEmptyBytes + entries);
  std::memcpy(rest.OpenGap(format::kHeaderBytes, 0, entries), bytes() + position, entries);
  // Counting by walking needs the header to say that it does not know.
  StoreLittle(rest.block_.get() + 4, format::kCountUnknown);
  const size_t moved = rest.Length();
  if (moved < format::kCountUnknown) StoreLittle(rest.block_.get() + 4, static_cast<uint16_t>(moved));
  OpenGap(position, entries, 0);
  AddToCount(-static_cast<int64_t>(moved), ListpackView(nullptr));
  return rest;
}

void Listpack::Clear() { *this = Listpack(); }

}  // namespace hearth::ds
