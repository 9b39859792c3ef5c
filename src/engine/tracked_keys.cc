#include "engine/tracked_keys.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace hearth::engine {

TrackedKeys::~TrackedKeys() {
  Clear();
  while (!cleared_.empty()) FreeSome();
}

void TrackedKeys::Add(std::string_view key, uint64_t client_id) {
  const uint64_t hash = Hash(key);
  const auto position = keys_.Find(key, hash);
  if (!position) {
    auto tracked = std::make_unique<Tracked>();
    tracked->key = key;
    tracked->client_ids = {client_id};
    keys_.Insert(tracked.release(), hash);
    ++item_count_;
    return;
  }
  std::vector<uint64_t>& ids = position.item()->client_ids;
  const auto place = std::lower_bound(ids.begin(), ids.end(), client_id);
  if (place != ids.end() && *place == client_id) return;
  ids.insert(place, client_id);
  ++item_count_;
}

std::vector<uint64_t> TrackedKeys::Take(std::string_view key) {
  if (keys_.empty()) return {};
  const uint64_t hash = Hash(key);
  const auto position = keys_.Find(key, hash);
  if (!position) return {};
  const std::unique_ptr<Tracked> tracked(keys_.Erase(position, hash));
  item_count_ -= tracked->client_ids.size();
  return std::move(tracked->client_ids);
}

void TrackedKeys::Clear() {
  if (keys_.empty()) return;
  cleared_.push_back({std::exchange(keys_, Table()), 0});
  item_count_ = 0;
}

size_t TrackedKeys::FreeBucket(Cleared& cleared) {
  size_t freed = 0;
  cleared.keys.VisitBucket(cleared.next_bucket++, [&freed](Tracked* tracked) {
    std::unique_ptr<Tracked>(tracked).reset();
    ++freed;
  });
  return freed;
}

void TrackedKeys::FreeSome() {
  constexpr size_t kItems = 1000;
  if (cleared_.empty()) return;
  Cleared& cleared = cleared_.back();
  for (size_t freed = 0; freed < kItems && cleared.next_bucket < cleared.keys.bucket_count();) {
    freed += FreeBucket(cleared);
  }
  if (cleared.next_bucket == cleared.keys.bucket_count()) cleared_.pop_back();
}

}  // namespace hearth::engine
