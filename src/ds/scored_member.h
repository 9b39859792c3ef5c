// One member of a large sorted set with its score: a single allocation, shared by the tree that orders
// members and the index that finds them.
//
//   score f64 | size u8, 255 for a wide one | (size u64 LE, if wide) | the member's bytes
//
// Made and freed by the owner of both structures; a SortedTree alone changes the score. One thread at a time.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

#include "base/bytes.h"

namespace hearth::ds {

class ScoredMember {
 public:
  static ScoredMember* New(std::string_view member, double score) {
    const bool is_wide = member.size() >= kWide;
    auto* made = static_cast<ScoredMember*>(::operator new(HeaderBytes(is_wide) + member.size()));
    made->set_score(score);
    made->bytes()[kSizeOffset] = static_cast<char>(is_wide ? kWide : member.size());
    if (is_wide) StoreLittle<uint64_t>(made->bytes() + kSizeOffset + 1, member.size());
    if (!member.empty()) std::memcpy(made->bytes() + HeaderBytes(is_wide), member.data(), member.size());
    return made;
  }
  static void Free(ScoredMember* member) {
    ::operator delete(member, HeaderBytes(member->is_wide()) + member->member().size());
  }

  double score() const { return LoadLittle<double>(bytes()); }
  std::string_view member() const {
    if (is_wide()) [[unlikely]] {
      return {bytes() + HeaderBytes(true), LoadLittle<uint64_t>(bytes() + kSizeOffset + 1)};
    }
    return {bytes() + HeaderBytes(false), static_cast<uint8_t>(bytes()[kSizeOffset])};
  }

  // The order of sorted sets: by score, and by bytes among equals.
  bool IsBefore(double score, std::string_view text) const {
    const double own = this->score();
    return own < score || (own == score && member() < text);
  }

 private:
  friend class SortedTree;

  static constexpr size_t kSizeOffset = sizeof(double);
  static constexpr uint8_t kWide = 255;

  static constexpr size_t HeaderBytes(bool is_wide) {
    return kSizeOffset + 1 + (is_wide ? sizeof(uint64_t) : 0);
  }
  void set_score(double score) { StoreLittle<double>(bytes(), score); }
  bool is_wide() const { return static_cast<uint8_t>(bytes()[kSizeOffset]) == kWide; }
  const char* bytes() const { return reinterpret_cast<const char*>(this); }
  char* bytes() { return reinterpret_cast<char*>(this); }
};

}  // namespace hearth::ds
