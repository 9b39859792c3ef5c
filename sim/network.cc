#include "sim/network.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace hearth::sim {
namespace {

constexpr int64_t kBaseDelayUs = 100;
constexpr uint64_t kDelaySpreadUs = 900;
// A packet is seldom lost and sent again.
constexpr uint64_t kOneInLost = 200;
constexpr int64_t kResendUs = 200 * kMillisecond;

}  // namespace

Network::Network(Schedule& schedule, Prng& random, std::vector<Host*> hosts,
                 std::function<Process*(HostId)> process_of)
    : schedule_(schedule),
      random_(random),
      hosts_(std::move(hosts)),
      process_of_(std::move(process_of)),
      ways_(hosts_.size() * hosts_.size()) {}

int64_t Network::DelayUs(HostId from, HostId to) {
  int64_t delay_us =
      kBaseDelayUs + static_cast<int64_t>(random_.Below(kDelaySpreadUs)) + way(from, to).more_us;
  if (random_.Below(kOneInLost) == 0) delay_us += kResendUs;
  return delay_us;
}

Network::Connection* Network::Find(ConnectionId id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

int Network::EndOf(const Connection& connection, HostId host) {
  HEARTH_ASSERT(connection.ends[0].host == host || connection.ends[1].host == host);
  return connection.ends[0].host == host ? 0 : 1;
}

bool Network::IsOpen(ConnectionId id, HostId at) const {
  const auto found = connections_.find(id);
  return found != connections_.end() && found->second.ends[EndOf(found->second, at)].is_open;
}

// ---- packets

void Network::Transmit(ConnectionId id, int sender, Action what) {
  Connection& connection = *Find(id);
  connection.on_way[sender].push_back(std::move(what));
  ScheduleArrival(id, connection, sender);
}

// Whatever was sent first arrives first.
void Network::ScheduleArrival(ConnectionId id, Connection& connection, int sender) {
  const HostId from = connection.ends[sender].host;
  const HostId to = connection.ends[1 - sender].host;
  int64_t& last_us = connection.last_arrival_us[sender];
  last_us = std::max(last_us + 1, schedule_.now_us() + DelayUs(from, to));
  schedule_.At(last_us, [this, id, sender] { Arrive(id, sender); });
}

void Network::Arrive(ConnectionId id, int sender) {
  Connection* const connection = Find(id);
  if (connection == nullptr) return;
  const HostId to = connection->ends[1 - sender].host;
  if (IsBlocked(connection->ends[sender].host, to)) {
    ++connection->held[sender];
    return;
  }
  Action what = std::move(connection->on_way[sender].front());
  connection->on_way[sender].pop_front();
  if (hosts_[to]->state() != Host::State::kOff) what();
}

void Network::Block(HostId from, HostId to) { ++way(from, to).blocks; }

void Network::Unblock(HostId from, HostId to) {
  HEARTH_ASSERT(way(from, to).blocks > 0);
  if (--way(from, to).blocks > 0) return;
  for (auto& [id, connection] : connections_) {
    for (const int sender : {0, 1}) {
      if (connection.ends[sender].host != from || connection.ends[1 - sender].host != to) continue;
      for (size_t held = std::exchange(connection.held[sender], 0); held > 0; --held) {
        ScheduleArrival(id, connection, sender);
      }
    }
  }
}

// ---- coming to stand

ConnectionId Network::Connect(HostId from, HostId to) {
  HEARTH_ASSERT(from != to);
  const ConnectionId id = next_id_++;
  Connection& connection = connections_[id];
  connection.ends[0] = {from, true};
  connection.ends[1] = {to, false};
  Transmit(id, 0, [this, id] { OnAsked(id); });
  return id;
}

void Network::OnAsked(ConnectionId id) {
  Connection& connection = *Find(id);
  const HostId to = connection.ends[1].host;
  if (!hosts_[to]->has_process()) {
    Transmit(id, 1, [this, id] { TellEnd(id, 0, Ending::kRefused); });
    return;
  }
  connection.ends[1].is_open = true;
  // The kernel answers, whatever the process does.
  Transmit(id, 1, [this, id] {
    const HostId from = Find(id)->ends[0].host;
    hosts_[from]->Run([this, id, from] {
      const Connection* const opened = Find(id);
      if (opened != nullptr && opened->ends[0].is_open) process_of_(from)->OnOpened(id);
    });
  });
  hosts_[to]->Run([this, id, to] {
    const Connection* const accepted = Find(id);
    if (accepted != nullptr && accepted->ends[1].is_open)
      process_of_(to)->OnAccepted(id, accepted->ends[0].host);
  });
}

// ---- messages

void Network::Send(ConnectionId id, HostId from, Action at_peer) {
  Connection* const connection = Find(id);
  if (connection == nullptr) return;
  const int sender = EndOf(*connection, from);
  if (!connection->ends[sender].is_open) return;
  Transmit(id, sender, [this, id, sender, at_peer = std::move(at_peer)]() mutable {
    Connection& arrived = *Find(id);
    const End& end = arrived.ends[1 - sender];
    if (!end.is_open) return;
    hosts_[end.host]->Run([this, id, sender, at_peer = std::move(at_peer)]() mutable {
      const Connection* const standing = Find(id);
      if (standing != nullptr && standing->ends[1 - sender].is_open) at_peer();
    });
  });
}

// ---- ending

void Network::Close(ConnectionId id, HostId from) {
  Connection* const connection = Find(id);
  if (connection == nullptr) return;
  const int end = EndOf(*connection, from);
  if (!connection->ends[end].is_open) return;
  connection->ends[end].is_open = false;
  Transmit(id, end, [this, id, end] { TellEnd(id, 1 - end, Ending::kReset); });
}

void Network::TellEnd(ConnectionId id, int end, Ending why) {
  Connection& connection = *Find(id);
  const HostId host = connection.ends[end].host;
  if (!connection.ends[end].is_open) return ForgetIfOver(id);
  hosts_[host]->Run([this, id, end, host, why] {
    Connection* const ended = Find(id);
    if (ended == nullptr || !std::exchange(ended->ends[end].is_open, false)) return;
    ForgetIfOver(id);
    process_of_(host)->OnEnded(id, why);
  });
}

void Network::ForgetIfOver(ConnectionId id) {
  const Connection& connection = *Find(id);
  if (!connection.ends[0].is_open && !connection.ends[1].is_open) connections_.erase(id);
}

void Network::Break(HostId a, HostId b) {
  std::vector<ConnectionId> broken;
  for (const auto& [id, connection] : connections_) {
    const HostId first = connection.ends[0].host;
    const HostId second = connection.ends[1].host;
    if ((first == a && second == b) || (first == b && second == a)) broken.push_back(id);
  }
  for (const ConnectionId id : broken) {
    for (const int end : {0, 1}) {
      if (Find(id) != nullptr) TellEnd(id, end, Ending::kReset);
    }
  }
}

void Network::OnDeath(HostId host) {
  std::vector<ConnectionId> open;
  for (const auto& [id, connection] : connections_) {
    if (connection.ends[0].host == host || connection.ends[1].host == host) open.push_back(id);
  }
  for (const ConnectionId id : open) Close(id, host);
}

void Network::OnPowerOff(HostId host) {
  for (auto& [id, connection] : connections_) {
    for (End& end : connection.ends) {
      if (end.host == host && std::exchange(end.is_open, false)) end.is_lost = true;
    }
  }
}

void Network::OnPowerOn(HostId host) {
  for (auto& [id, connection] : connections_) {
    for (const int end : {0, 1}) {
      if (connection.ends[end].host != host || !std::exchange(connection.ends[end].is_lost, false)) continue;
      Transmit(id, end, [this, id, end] { TellEnd(id, 1 - end, Ending::kReset); });
    }
  }
}

}  // namespace hearth::sim
