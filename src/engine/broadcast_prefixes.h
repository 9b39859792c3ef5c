// Prefixes of keys that caching clients want to hear of whoever reads them (CLIENT TRACKING BCAST), and which
// keys below them have changed since the clients were last told.
//
// A key is looked up once for each length that some prefix has, not for each prefix. Owned by Tracking;
// engine thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::engine {

class Client;

class BroadcastPrefixes {
 public:
  // Changed keys in order, each with the id of the client that changed it: 0 if that was nobody who tracks,
  // or more than one.
  using Changes = std::map<std::string, uint64_t, std::less<>>;

  size_t size() const { return clients_.size(); }

  // A client has a prefix once at most.
  void Add(std::string_view prefix, Client& client);
  void Remove(std::string_view prefix, Client& client);

  void NoteChange(std::string_view key, uint64_t client_id);
  bool has_changes() const { return !changes_.empty(); }
  // Gives `visit(clients, changes)` each prefix that has changes, in order, and forgets them.
  template <typename Visit>
  void TakeChanges(Visit&& visit) {
    for (const auto& [prefix, changes] : std::exchange(changes_, {})) {
      const auto found = clients_.find(prefix);
      if (found != clients_.end()) visit(found->second, changes);
    }
  }

 private:
  std::map<std::string, std::vector<Client*>, std::less<>> clients_;
  std::map<size_t, size_t> lengths_;  // of the prefixes, and how many have each
  std::map<std::string, Changes, std::less<>> changes_;
};

}  // namespace hearth::engine
