#include "engine/blocking.h"

#include <algorithm>

#include "base/assert.h"
#include "base/hash.h"
#include "engine/client.h"

namespace hearth::engine {

size_t Blocking::KeyIdHash::operator()(const KeyId& id) const {
  return Hash(id.key) + static_cast<size_t>(id.database) * 0x9e3779b97f4a7c15u;
}

void Blocking::Add(Client& client, int database, const BlockRequest& request) {
  HEARTH_ASSERT(client.blocked == nullptr);
  auto state = std::make_unique<BlockedState>();
  state->database = database;
  state->type = request.type;
  state->deadline_ms = request.deadline_ms;
  state->on_timeout = request.on_timeout;
  state->wakes_on_removal = request.wakes_on_removal;
  state->answer = request.answer;
  state->on_end = request.on_end;
  state->resolved_args = request.resolved_args;
  state->order = next_order_++;
  for (std::string_view key : request.keys) {
    std::string name(key);
    // A key named twice waits once.
    if (std::find(state->keys.begin(), state->keys.end(), name) != state->keys.end()) continue;
    keys_[KeyId{database, name}].push_back(&client);
    state->keys.push_back(std::move(name));
  }
  if (request.wakes_on_removal) removal_key_count_ += state->keys.size();
  if (state->deadline_ms != 0) deadlines_.emplace(state->deadline_ms, &client);
  client.blocked = std::move(state);
  client.set(Client::kBlocked, true);
  ++waiting_count_;
}

void Blocking::Remove(Client& client) {
  HEARTH_ASSERT(client.blocked != nullptr);
  const BlockedState& state = *client.blocked;
  for (const std::string& key : state.keys) {
    const auto found = keys_.find(KeyId{state.database, key});
    found->second.remove(&client);
    if (found->second.empty()) keys_.erase(found);
  }
  if (state.wakes_on_removal) removal_key_count_ -= state.keys.size();
  if (state.deadline_ms != 0) {
    auto [from, to] = deadlines_.equal_range(state.deadline_ms);
    deadlines_.erase(std::find_if(from, to, [&](const auto& entry) { return entry.second == &client; }));
  }
  const std::function<void()> on_end = std::move(client.blocked->on_end);
  client.blocked.reset();
  client.set(Client::kBlocked, false);
  --waiting_count_;
  if (on_end) on_end();
}

void Blocking::Enqueue(KeyId id) {
  if (!keys_.contains(id)) return;
  if (std::find(ready_.begin(), ready_.end(), id) == ready_.end()) ready_.push_back(std::move(id));
}

void Blocking::MarkReady(int database, std::string_view key, keyspace::Type type) {
  if (type == keyspace::Type::kString || type == keyspace::Type::kSet || type == keyspace::Type::kHash)
    return;
  Enqueue(KeyId{database, std::string(key)});
}

void Blocking::MarkRemoved(int database, std::string_view key) {
  if (removal_key_count_ != 0) Enqueue(KeyId{database, std::string(key)});
}

void Blocking::MarkDatabaseReady(int database, const std::function<bool(std::string_view key)>& exists) {
  std::vector<KeyId> found;
  for (const auto& [id, clients] : keys_) {
    if (id.database == database && exists(id.key)) found.push_back(id);
  }
  for (KeyId& id : found) Enqueue(std::move(id));
}

bool Blocking::TakeReady(ReadyKey& ready) {
  if (ready_.empty()) return false;
  ready = {ready_.front().database, std::move(ready_.front().key)};
  ready_.erase(ready_.begin());
  return true;
}

std::vector<Client*> Blocking::WaitingFor(const ReadyKey& ready) const {
  const auto found = keys_.find(KeyId{ready.database, ready.key});
  if (found == keys_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::vector<Client*> Blocking::TimedOut(int64_t now_ms) const {
  std::vector<Client*> clients;
  for (const auto& [deadline_ms, client] : deadlines_) {
    if (deadline_ms >= now_ms) break;
    clients.push_back(client);
  }
  return clients;
}

}  // namespace hearth::engine
