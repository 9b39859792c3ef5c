// All clients, by id and in order of arrival. Owned by the engine; engine thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "engine/client.h"

namespace hearth::engine {

class Clients {
 public:
  Client& Add(uint64_t id, net::Connection* connection, resp::OutputBuffer& output, int64_t now_ms) {
    auto client = std::make_unique<Client>(id, connection, output, now_ms);
    Client& added = *client;
    by_id_.emplace(id, std::move(client));
    return added;
  }
  void Remove(Client& client) { by_id_.erase(client.id); }
  Client* Find(uint64_t id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second.get();
  }
  size_t size() const { return by_id_.size(); }

  // Visits all; the visitor may close clients (they stay until their connections report it).
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const auto& [id, client] : by_id_) visit(*client);
  }
  // Visits up to `count` in order of arrival, going on after the one with id `after`; gives the id of the
  // last one, or 0 at the end, from where the next call begins again.
  template <typename Visit>
  uint64_t ForSome(uint64_t after, size_t count, Visit&& visit) const {
    auto next = by_id_.upper_bound(after);
    for (; next != by_id_.end() && count > 0; ++next, --count) {
      after = next->first;
      visit(*next->second);
    }
    return next == by_id_.end() ? 0 : after;
  }

 private:
  // Ids rise with arrival, so the map's order is the order of arrival.
  std::map<uint64_t, std::unique_ptr<Client>> by_id_;
};

}  // namespace hearth::engine
