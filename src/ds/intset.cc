#include "ds/intset.h"

#include <cstdlib>
#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/memory.h"

namespace hearth::ds {
namespace {

constexpr size_t kHeaderBytes = 8;

size_t WidthOf(int64_t value) {
  if (value == static_cast<int16_t>(value)) return 2;
  return value == static_cast<int32_t>(value) ? 4 : 8;
}

int64_t LoadAt(const uint8_t* bytes, size_t width, size_t index) {
  const uint8_t* at = bytes + kHeaderBytes + index * width;
  if (width == 2) return LoadLittle<int16_t>(at);
  return width == 4 ? LoadLittle<int32_t>(at) : LoadLittle<int64_t>(at);
}

void StoreAt(uint8_t* bytes, size_t width, size_t index, int64_t value) {
  std::memcpy(bytes + kHeaderBytes + index * width, &value, width);
}

}  // namespace

size_t IntsetView::Width() const { return LoadLittle<uint32_t>(bytes_); }
size_t IntsetView::Length() const { return LoadLittle<uint32_t>(bytes_ + 4); }
size_t IntsetView::TotalBytes() const { return kHeaderBytes + Width() * Length(); }
int64_t IntsetView::Get(size_t index) const { return LoadAt(bytes_, Width(), index); }

size_t IntsetView::LowerBound(int64_t value) const {
  const size_t width = Width();
  size_t low = 0;
  size_t high = Length();
  // Values are often added in ascending order.
  if (high > 0 && LoadAt(bytes_, width, high - 1) < value) return high;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (LoadAt(bytes_, width, middle) < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool IntsetView::Contains(int64_t value) const {
  if (WidthOf(value) > Width()) return false;
  const size_t index = LowerBound(value);
  return index < Length() && Get(index) == value;
}

void Intset::Free::operator()(uint8_t* block) const { std::free(block); }

Intset::Intset() : block_(static_cast<uint8_t*>(std::malloc(GoodAllocationSize(kHeaderBytes)))) {
  HEARTH_ASSERT(block_ != nullptr);
  StoreLittle<uint32_t>(block_.get(), 2);
  StoreLittle<uint32_t>(block_.get() + 4, 0);
}

Intset Intset::Copy(std::string_view raw) {
  HEARTH_ASSERT(raw.size() >= kHeaderBytes);
  Intset copy;
  copy.Resize(raw.size());
  std::memcpy(copy.block_.get(), raw.data(), raw.size());
  return copy;
}

size_t Intset::MemoryBytes() const { return AllocationSize(block_.get()); }

// Gives the block the size class for `total_bytes`, unless it has that much and not a quarter to spare.
void Intset::Resize(size_t total_bytes) {
  const size_t needed = GoodAllocationSize(total_bytes);
  const size_t usable = AllocationSize(block_.get());
  if (total_bytes <= usable && needed > usable / 4 * 3) return;
  auto* resized = static_cast<uint8_t*>(std::realloc(block_.get(), needed));
  HEARTH_ASSERT(resized != nullptr);
  static_cast<void>(block_.release());
  block_.reset(resized);
}

// Rewrites the integers at a larger width, from the last one down so that none is overwritten unread.
void Intset::Widen(size_t width) {
  const size_t old_width = View().Width();
  const size_t count = Length();
  Resize(kHeaderBytes + count * width);
  for (size_t i = count; i-- > 0;) StoreAt(block_.get(), width, i, LoadAt(block_.get(), old_width, i));
  StoreLittle(block_.get(), static_cast<uint32_t>(width));
}

bool Intset::Add(int64_t value) {
  if (WidthOf(value) > View().Width()) Widen(WidthOf(value));
  const size_t index = View().LowerBound(value);
  const size_t count = Length();
  if (index < count && Get(index) == value) return false;
  HEARTH_ASSERT(count < UINT32_MAX);
  const size_t width = View().Width();
  Resize(kHeaderBytes + (count + 1) * width);
  uint8_t* at = block_.get() + kHeaderBytes + index * width;
  std::memmove(at + width, at, (count - index) * width);
  StoreAt(block_.get(), width, index, value);
  StoreLittle(block_.get() + 4, static_cast<uint32_t>(count + 1));
  return true;
}

bool Intset::Remove(int64_t value) {
  if (!Contains(value)) return false;
  const size_t index = View().LowerBound(value);
  const size_t count = Length();
  const size_t width = View().Width();
  uint8_t* at = block_.get() + kHeaderBytes + index * width;
  std::memmove(at, at + width, (count - index - 1) * width);
  StoreLittle(block_.get() + 4, static_cast<uint32_t>(count - 1));
  Resize(kHeaderBytes + (count - 1) * width);
  return true;
}

bool ValidateIntset(std::string_view raw, bool deep) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(raw.data());
  if (raw.size() < kHeaderBytes) return false;
  const size_t width = LoadLittle<uint32_t>(bytes);
  const size_t count = LoadLittle<uint32_t>(bytes + 4);
  if ((width != 2 && width != 4 && width != 8) || raw.size() != kHeaderBytes + count * width) return false;
  for (size_t i = 1; deep && i < count; ++i) {
    if (LoadAt(bytes, width, i - 1) >= LoadAt(bytes, width, i)) return false;
  }
  return true;
}

}  // namespace hearth::ds
