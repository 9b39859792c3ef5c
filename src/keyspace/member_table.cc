#include "keyspace/member_table.h"

#include <cstring>
#include <memory>
#include <new>
#include <unordered_set>
#include <utility>

#include "base/memory.h"

namespace hearth::keyspace {

Member* Member::New(std::string_view text) {
  const bool is_wide = text.size() >= kWide;
  const size_t header = is_wide ? kWideHeader : 1;
  auto* member = static_cast<Member*>(::operator new(header + text.size()));
  member->size_ = is_wide ? kWide : static_cast<uint8_t>(text.size());
  if (is_wide) StoreLittle<uint64_t>(member->bytes() + 1, text.size());
  if (!text.empty()) std::memcpy(member->bytes() + header, text.data(), text.size());
  return member;
}

void Member::Free(Member* member) {
  ::operator delete(member, (member->is_wide() ? kWideHeader : 1) + member->text().size());
}

MemberTable::~MemberTable() { members_.VisitAll(Member::Free); }

bool MemberTable::Add(std::string_view text) {
  const uint64_t hash = Hash(text);
  if (members_.Find(text, hash)) return false;
  members_.Insert(Member::New(text), hash);
  return true;
}

bool MemberTable::Erase(std::string_view text) {
  const uint64_t hash = Hash(text);
  const auto position = members_.Find(text, hash);
  if (!position) return false;
  Member::Free(members_.Erase(position, hash));
  return true;
}

std::vector<std::string_view> MemberTable::RandomDistinct(Prng& random, size_t count) const {
  std::vector<std::string_view> chosen;
  // Drawing until all are different is quick while few are asked for; else the front of a shuffle is.
  if (count < size() / 3) {
    chosen.reserve(count);
    std::unordered_set<const char*> seen;
    while (chosen.size() < count) {
      const std::string_view member = Random(random);
      if (seen.insert(member.data()).second) chosen.push_back(member);
    }
    return chosen;
  }
  chosen.reserve(size());
  VisitAll([&](std::string_view member) { chosen.push_back(member); });
  if (count >= chosen.size()) return chosen;
  for (size_t i = 0; i < count; ++i) std::swap(chosen[i], chosen[i + random.Below(chosen.size() - i)]);
  chosen.resize(count);
  return chosen;
}

size_t MemberTable::MemoryBytes(size_t samples) const {
  size_t sampled = 0;
  size_t sampled_bytes = 0;
  for (size_t i = 0; i < members_.bucket_count() && (samples == 0 || sampled < samples); ++i) {
    members_.VisitBucket(i, [&](const Member* member) {
      ++sampled;
      sampled_bytes += AllocationSize(member);
    });
  }
  const size_t table_bytes = AllocationSize(this) + members_.MemoryBytes();
  if (sampled == 0) return table_bytes;
  const double mean = static_cast<double>(sampled_bytes) / static_cast<double>(sampled);
  return table_bytes + static_cast<size_t>(mean * static_cast<double>(size()));
}

MemberTable* MemberTable::Clone() const {
  auto copy = std::make_unique<MemberTable>(cuts_);
  VisitAll([&](std::string_view text) { copy->members_.Insert(Member::New(text), Hash(text)); });
  return copy.release();
}

}  // namespace hearth::keyspace
