// Which dataset this is: the history of writes that the log tells, by its replication id. A server whose
// history is the same up to an offset can go on from there without a full copy.
//
// Offsets are the write log's: the number of bytes ever logged before a place. Plain data; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::replication {

inline constexpr size_t kIdDigits = 40;  // hexadecimal

// What a history was called up to an offset.
struct FormerName {
  std::string id;
  uint64_t end = 0;
  int database = -1;  // selected in the stream there; -1 if that is not known

  // What is known beside the name makes no other history.
  bool operator==(const FormerName& other) const { return id == other.id && end == other.end; }
};

// Among names whose last one comes first; nullptr if none of them is `id`.
inline const FormerName* FindName(std::span<const FormerName> names, std::string_view id) {
  const auto found = std::ranges::find(names, id, &FormerName::id);
  return found == names.end() ? nullptr : &*found;
}

struct History {
  // Each restart and each promotion adds one. Whoever knows only an older one copies everything.
  static constexpr size_t kMaxFormerNames = 16;

  std::string id;
  // The last one first; none ends behind the one before it.
  std::vector<FormerName> former{};

  // What Redis calls the second id; nullptr if the history had no other name.
  const FormerName* previous() const { return former.empty() ? nullptr : &former.front(); }
  // Whether the history called `other` is this one up to `offset`.
  bool Holds(std::string_view other, uint64_t offset) const {
    if (other == id) return true;
    const FormerName* const name = FindName(former, other);
    return name != nullptr && offset <= name->end;
  }
  // The oldest of the names that it has at `offset`.
  const std::string& NameAt(uint64_t offset) const {
    const std::string* name = &id;
    for (const FormerName& one : former) {
      if (offset > one.end) break;
      name = &one.id;
    }
    return *name;
  }
  // From `offset` on, where `database` is selected, the history goes on under another name.
  void Rename(std::string new_id, uint64_t offset, int database = -1) {
    former.insert(former.begin(), FormerName{std::exchange(id, std::move(new_id)), offset, database});
    if (former.size() > kMaxFormerNames) former.pop_back();
  }
  bool operator==(const History& other) const = default;
};

}  // namespace hearth::replication
