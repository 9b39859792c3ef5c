// A set of integers as one sorted array in one block of memory, byte for byte what Redis keeps and RDB
// stores (docs/formats/intset.md):
//
//   width in bytes u32 LE (2, 4 or 8) | count u32 LE | count signed integers of that width, LE, ascending
//
// The width is that of the widest integer ever added; it does not shrink.
// Reading trusts the bytes: foreign ones must have passed ValidateIntset first.
// Owned by keyspace values; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/prng.h"

namespace hearth::ds {

// Reads an intset that somebody else owns.
class IntsetView {
 public:
  explicit IntsetView(const uint8_t* bytes) : bytes_(bytes) {}

  const uint8_t* bytes() const { return bytes_; }
  size_t Width() const;
  size_t Length() const;
  size_t TotalBytes() const;
  std::string_view Raw() const { return {reinterpret_cast<const char*>(bytes_), TotalBytes()}; }

  bool Contains(int64_t value) const;
  // The value at `index` in ascending order; `index` < Length().
  int64_t Get(size_t index) const;
  // These three need a set that is not empty.
  int64_t Min() const { return Get(0); }
  int64_t Max() const { return Get(Length() - 1); }
  int64_t Random(Prng& prng) const { return Get(prng.Below(Length())); }

  // How many values are smaller than `value`: where it stands or would stand.
  size_t LowerBound(int64_t value) const;

 private:
  const uint8_t* bytes_;
};

// Owns an intset in one malloc'ed block. Movable; moved-from and released ones may only be destroyed or
// assigned to.
class Intset {
 public:
  Intset();

  // Takes over a block from Release(), or any malloc'ed valid intset.
  static Intset Adopt(uint8_t* bytes) { return Intset(Block(bytes)); }
  static Intset Copy(std::string_view raw);
  // Gives the block away; free() or Adopt() it.
  uint8_t* Release() { return block_.release(); }

  IntsetView View() const { return IntsetView(block_.get()); }
  const uint8_t* bytes() const { return block_.get(); }
  size_t Length() const { return View().Length(); }
  size_t TotalBytes() const { return View().TotalBytes(); }
  bool Contains(int64_t value) const { return View().Contains(value); }
  int64_t Get(size_t index) const { return View().Get(index); }
  // What the block takes from the allocator.
  size_t MemoryBytes() const;

  // False if the value was there already.
  bool Add(int64_t value);
  // False if the value was not there.
  bool Remove(int64_t value);

 private:
  struct Free {
    void operator()(uint8_t* block) const;
  };
  using Block = std::unique_ptr<uint8_t, Free>;

  explicit Intset(Block block) : block_(std::move(block)) {}
  void Resize(size_t total_bytes);
  void Widen(size_t width);

  Block block_;
};

// True if `raw` is a well-formed intset: width, size, and with `deep` the strict order. Safe on arbitrary
// bytes.
bool ValidateIntset(std::string_view raw, bool deep);

}  // namespace hearth::ds
