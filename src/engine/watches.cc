#include "engine/watches.h"

#include <algorithm>

#include "engine/client.h"

namespace hearth::engine {

void Watches::Watch(Client& client, int database, std::string_view key, bool is_expired) {
  if (client.transaction == nullptr) client.transaction = std::make_unique<TransactionState>();
  auto& mine = client.transaction->watched;
  const bool is_known = std::any_of(mine.begin(), mine.end(), [&](const WatchedKey& watched) {
    return watched.database == database && watched.key == key;
  });
  if (is_known) return;
  if (mine.empty()) ++client_count_;
  mine.push_back({database, std::string(key), is_expired});
  watched_[{database, std::string(key)}].push_back(&client);
}

void Watches::Forget(Client& client) {
  if (client.transaction == nullptr || client.transaction->watched.empty()) return;
  for (const WatchedKey& watched : client.transaction->watched) {
    const auto found = watched_.find({watched.database, watched.key});
    std::erase(found->second, &client);
    if (found->second.empty()) watched_.erase(found);
  }
  client.transaction->watched.clear();
  --client_count_;
}

void Watches::MarkAll(const std::vector<Client*>& clients) {
  for (Client* client : clients) client->transaction->is_dirty = true;
}

void Watches::MarkChanged(int database, std::string_view key) {
  const auto found = watched_.find(std::pair<int, std::string>(database, key));
  if (found == watched_.end()) return;
  for (Client* client : found->second) {
    TransactionState& transaction = *client->transaction;
    const auto watched =
        std::find_if(transaction.watched.begin(), transaction.watched.end(),
                     [&](const auto& mine) { return mine.database == database && mine.key == key; });
    // A key that was over its time when WATCH saw it was already gone for the watcher: its removal changes
    // nothing.
    if (watched->was_expired) {
      watched->was_expired = false;
      continue;
    }
    transaction.is_dirty = true;
  }
}

}  // namespace hearth::engine
