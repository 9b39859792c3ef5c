// Keys that open transactions watch. Owned by the engine; engine thread only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::engine {

class Client;

class Watches {
 public:
  bool any() const { return !watched_.empty(); }
  // Distinct keys watched, for INFO.
  size_t key_count() const { return watched_.size(); }
  size_t client_count() const { return client_count_; }

  // A key watched twice by one client is watched once.
  void Watch(Client& client, int database, std::string_view key, bool is_expired);
  void Forget(Client& client);

  // Marks the transactions of all who watch the key as failed.
  void MarkChanged(int database, std::string_view key);
  // The same for all watched keys of a database for which `is_affected` says so.
  template <typename IsAffected>
  void MarkDatabase(int database, IsAffected&& is_affected) {
    for (const auto& [id, clients] : watched_) {
      if (id.first == database && is_affected(std::string_view(id.second))) MarkAll(clients);
    }
  }

 private:
  static void MarkAll(const std::vector<Client*>& clients);

  std::map<std::pair<int, std::string>, std::vector<Client*>, std::less<>> watched_;
  size_t client_count_ = 0;
};

}  // namespace hearth::engine
