#include "engine/broadcast_prefixes.h"

#include "base/assert.h"

namespace hearth::engine {

void BroadcastPrefixes::Add(std::string_view prefix, Client& client) {
  auto found = clients_.find(prefix);
  if (found == clients_.end()) {
    found = clients_.emplace(prefix, std::vector<Client*>()).first;
    ++lengths_[prefix.size()];
  }
  found->second.push_back(&client);
}

void BroadcastPrefixes::Remove(std::string_view prefix, Client& client) {
  const auto found = clients_.find(prefix);
  HEARTH_ASSERT(found != clients_.end());
  std::erase(found->second, &client);
  if (!found->second.empty()) return;
  clients_.erase(found);
  // Who comes next was not there when they happened.
  if (const auto changes = changes_.find(prefix); changes != changes_.end()) changes_.erase(changes);
  const auto length = lengths_.find(prefix.size());
  if (--length->second == 0) lengths_.erase(length);
}

void BroadcastPrefixes::NoteChange(std::string_view key, uint64_t client_id) {
  for (const auto& [length, count] : lengths_) {
    if (length > key.size()) break;
    const std::string_view prefix = key.substr(0, length);
    if (clients_.find(prefix) == clients_.end()) continue;
    auto changes = changes_.find(prefix);
    if (changes == changes_.end()) changes = changes_.emplace(prefix, Changes()).first;
    const auto change = changes->second.find(key);
    if (change == changes->second.end()) {
      changes->second.emplace(key, client_id);
    } else if (change->second != client_id) {
      change->second = 0;
    }
  }
}

}  // namespace hearth::engine
