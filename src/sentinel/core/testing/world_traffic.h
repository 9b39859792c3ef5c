// The traffic of the world of tests (world.h, which includes this): what servers and Sentinels answer.
#pragma once

#include "sentinel/core/testing/world.h"

namespace hearth::sentinel::testing {

inline void World::CarryOut(int port, const Effects& effects) {
  Node& node = nodes.at(port);
  for (const Effect& effect : effects) {
    if (!node.is_up) return;
    if (const auto* open = std::get_if<effect::OpenLink>(&effect)) {
      Open(port, *open);
    } else if (const auto* close = std::get_if<effect::CloseLink>(&effect)) {
      wires_.erase({port, close->link});
    } else if (const auto* send = std::get_if<effect::Send>(&effect)) {
      Later([this, port, link = send->link, command = send->command] { Receive(port, link, command); });
    } else if (std::holds_alternative<effect::SaveState>(effect)) {
      node.saved = node.machine->StateLines();
    } else if (const auto* event = std::get_if<effect::Event>(&effect)) {
      node.events.push_back({now_ms, event->name, event->text});
    } else if (const auto* script = std::get_if<effect::RunScript>(&effect)) {
      node.scripts.push_back(*script);
    } else if (std::holds_alternative<effect::Crash>(effect)) {
      KillSentinel(port);
    }
  }
}

inline void World::Open(int owner, const effect::OpenLink& open) {
  const LinkId link = open.link;
  wires_[{owner, link}] = {.port = open.address.port, .is_subscriber = open.is_subscriber};
  for (const auto& command : open.setup) {
    const auto server = servers.find(open.address.port);
    if (command[0] == "AUTH" && server != servers.end()) server->second.commands.push_back("AUTH");
    if (command.size() == 2 && command[1] == "PROBE") wires_[{owner, link}].is_probe = true;
  }
  Later([this, owner, link] {
    const auto wire = wires_.find({owner, link});
    if (wire == wires_.end()) return;
    const auto server = servers.find(wire->second.port);
    const auto peer = nodes.find(wire->second.port);
    const bool is_server = server != servers.end() && server->second.is_up;
    if (is_server && server->second.hangs) return;
    if (!is_server && (peer == nodes.end() || !peer->second.is_up)) {
      wires_.erase(wire);
      Tell(owner, input::LinkEnded{link, LinkEnd::kRefused, "Connection refused"});
      return;
    }
    wire->second.is_open = true;
    Tell(owner, input::LinkOpened{link, nodes.at(owner).address});
  });
}

inline void World::Receive(int owner, LinkId link, const std::vector<std::string>& command) {
  const auto found = wires_.find({owner, link});
  if (found == wires_.end()) return;
  found->second.received.push_back(command);
  if (found->second.received.size() == 1) AnswerAll(owner, link);
}

// What a server receives while it hangs it answers later, in the same order.
inline void World::AnswerAll(int owner, LinkId link) {
  while (true) {
    const auto found = wires_.find({owner, link});
    if (found == wires_.end() || found->second.received.empty()) return;
    const auto server = servers.find(found->second.port);
    const bool is_answered =
        found->second.is_probe && server != servers.end() && server->second.busy_since_ms >= 0;
    if (server != servers.end() && server->second.hangs && !is_answered) {
      happenings_.emplace(std::pair(now_ms + kLookAgainMs, ++sequence_),
                          [this, owner, link] { AnswerAll(owner, link); });
      return;
    }
    const std::vector<std::string> command = std::move(found->second.received.front());
    found->second.received.erase(found->second.received.begin());
    const Reply reply = Answer(found->second, command);
    Later([this, owner, link, reply] {
      if (wires_.contains({owner, link})) Tell(owner, input::Replied{link, reply});
    });
  }
}

inline Reply World::Answer(Wire& wire, const std::vector<std::string>& command) {
  using Kind = Reply::Kind;
  if (const auto peer = nodes.find(wire.port); peer != nodes.end())
    return AnswerAsSentinel(peer->second, command);
  Server& server = servers.at(wire.port);
  if (wire.is_probe) {
    const int64_t since_ms = server.busy_since_ms;
    return {Kind::kInteger, since_ms < 0 ? 0 : now_ms - since_ms, "", {}};
  }
  if (command[0] == "EXEC") {
    wire.is_in_transaction = false;
    for (const auto& queued : std::exchange(wire.queued, {})) {
      if (queued[0] == "REPLICATION") (void)AnswerReplication(server, queued);
      if (queued[0] != "SLAVEOF") continue;
      server.commands.push_back(queued[0] + " " + queued[1] + " " + queued[2]);
      server.is_primary = queued[1] == "NO";
      server.follows =
          server.is_primary ? Address{} : Address{queued[1], static_cast<int>(ParseInt64(queued[2]).value())};
    }
    return {Kind::kArray, 0, "", {}};
  }
  if (wire.is_in_transaction) {
    wire.queued.push_back(command);
    return {Kind::kStatus, 0, "QUEUED", {}};
  }
  if (command[0] == "MULTI") {
    wire.is_in_transaction = true;
    return {Kind::kStatus, 0, "OK", {}};
  }
  if (command[0] == "PING")
    return {server.ping_reply == "PONG" ? Kind::kStatus : Kind::kError, 0, server.ping_reply, {}};
  if (command[0] == "INFO") return {Kind::kText, 0, Info(server), {}};
  if (command[0] == "PUBLISH") {
    for (const auto& [key, other] : wires_) {
      if (other.port != wire.port || !other.is_subscriber || !other.is_open) continue;
      const input::Message message{key.second, command[1], command[2]};
      Later([this, listener = key.first, message] { Tell(listener, message); });
    }
    return {Kind::kInteger, 1, "", {}};
  }
  if (command[0] == "REPLICATION") return AnswerReplication(server, command);
  server.commands.push_back(command[0]);
  return {Kind::kStatus, 0, "OK", {}};
}

// As a Hearth server does it: whoever is behind is not obeyed.
inline Reply World::AnswerReplication(Server& server, const std::vector<std::string>& command) {
  const uint64_t epoch = ParseUint64(command[2]).value();
  const bool is_promotion = command[1] == "PROMOTE";
  const bool is_unfenced = !server.is_primary && server.fenced_epoch != epoch && command.size() == 3;
  if (epoch < server.epoch || (is_promotion && is_unfenced))
    return {Reply::Kind::kError, 0, "STALEEPOCH", {}};
  std::string said;
  for (const std::string& word : command) said += (said.empty() ? "" : " ") + word;
  server.commands.push_back(said);
  if (command[1] == "FENCE") {
    if (server.is_primary) return {Reply::Kind::kError, 0, "ERR", {}};
    server.epoch = server.fenced_epoch = epoch;
    return {Reply::Kind::kStatus, 0, "OK", {}};
  }
  if (command[1] == "REPLACED") return {Reply::Kind::kStatus, 0, "OK", {}};
  server.epoch = epoch;
  server.fenced_epoch = 0;
  server.is_primary = is_promotion;
  server.follows =
      is_promotion ? Address{} : Address{command[3], static_cast<int>(ParseInt64(command[4]).value())};
  return {Reply::Kind::kStatus, 0, "OK", {}};
}

inline Reply World::AnswerAsSentinel(Node& node, const std::vector<std::string>& command) {
  using Kind = Reply::Kind;
  if (!node.is_up) return {};
  if (command[0] == "PING") return {Kind::kStatus, 0, "PONG", {}};
  if (command[0] == "PUBLISH") {
    Tell(node.address.port, input::Hello{command[2]});
    return {Kind::kInteger, 1, "", {}};
  }
  Effects effects;
  const Address address{command[2], static_cast<int>(ParseInt64(command[3]).value())};
  const Vote vote =
      node.machine->AnswerVote(now(), address, ParseUint64(command[4]).value(), command[5], effects);
  CarryOut(node.address.port, effects);
  Reply reply{Kind::kArray, 0, "", {}};
  reply.elements.push_back({Kind::kInteger, vote.is_down ? 1 : 0, "", {}});
  reply.elements.push_back({Kind::kText, 0, vote.leader, {}});
  reply.elements.push_back({Kind::kInteger, static_cast<int64_t>(vote.leader_epoch), "", {}});
  return reply;
}

inline std::string World::Info(const Server& server) const {
  std::string text = "# Server\r\nrun_id:" + server.run_id + "\r\n\r\n";
  if (server.offers_probes) text += "# Clients\r\nprobing_clients:0\r\n\r\n";
  text += "# Replication\r\n";
  if (server.is_primary) {
    text += "role:master\r\n";
    int index = 0;
    for (const auto& [port, other] : servers) {
      if (other.is_primary || !other.is_up || other.follows.port != server.address.port) continue;
      text += "slave" + std::to_string(index++) + ":ip=127.0.0.1,port=" + std::to_string(port) +
              ",state=online,offset=1000,lag=0\r\n";
    }
  } else {
    const auto primary = servers.find(server.follows.port);
    const bool is_up = primary != servers.end() && primary->second.is_up && primary->second.is_primary;
    text += "role:slave\r\nmaster_host:" + server.follows.host +
            "\r\nmaster_port:" + std::to_string(server.follows.port);
    text += std::string("\r\nmaster_link_status:") + (is_up ? "up" : "down");
    const int64_t down_ms = now_ms - server.link_down_since_ms;
    if (!is_up && server.link_down_since_ms >= 0) {
      text += "\r\nmaster_link_down_since_seconds:" + std::to_string(down_ms / 1000);
    }
    text += "\r\nslave_repl_offset:";
    text += std::to_string(server.offset) + "\r\nslave_priority:" + std::to_string(server.priority) + "\r\n";
  }
  text += "master_replid:" + server.history + "\r\nmaster_replid2:" + server.former_history + "\r\n";
  if (server.has_loaded_nothing) text += "rdb_last_load_keys_loaded:0\r\naof_enabled:0\r\n";
  if (!server.acks_set.empty()) {
    text += "hearth_version:1\r\nacks_epoch:" + std::to_string(server.epoch) +
            "\r\nfenced_epoch:" + std::to_string(server.fenced_epoch) +
            "\r\nacks_identity:" + server.identity + "\r\nacks_set:" + server.acks_set + "\r\n";
    if (server.is_uncertain) text += "acks_uncertain:it came back\r\n";
  }
  return text + "\r\n# Keyspace\r\n" + (server.has_keys ? "db0:keys=3,expires=0,avg_ttl=0\r\n" : "");
}

}  // namespace hearth::sentinel::testing
