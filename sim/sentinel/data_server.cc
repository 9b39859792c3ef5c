#include "sim/sentinel/data_server.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/numbers.h"

namespace hearth::sim {
namespace {

using sentinel::Reply;

constexpr int64_t kTickUs = 300 * kMillisecond;
constexpr int64_t kLinkTimeoutMs = 3'000;

Reply Status(std::string text) { return {.kind = Reply::Kind::kStatus, .text = std::move(text)}; }

std::string AddressText(HostId host) { return AddressOf(host, false).host + ":6379"; }

std::string MakeId(Prng& random) {
  return fmt::format("{:016x}{:016x}{:08x}", random.Next(), random.Next(), random.Next() >> 32);
}

}  // namespace

bool Dataset::Holds(const std::string& of, uint64_t end) const {
  if (of == history) return end <= offset;
  return std::ranges::any_of(former, [&](const Former& one) { return one.history == of && end <= one.end; });
}

void Dataset::Rename(std::string name) {
  if (!history.empty()) former.push_back({std::move(history), offset});
  history = std::move(name);
}

DataServer::DataServer(SentinelCast& cast, HostId id, const DataGroup& group, int priority, DataDisk& disk)
    : cast_(cast),
      id_(id),
      group_(group),
      priority_(priority),
      disk_(disk),
      primary_(disk.primary),
      acks_(MakeId(cast.stage.random())) {}

void DataServer::Start() {
  Prng& random = cast_.stage.random();
  run_id_ = MakeId(random);
  replication::PromiseMemory& memory = disk_.memory;
  acks_.Restore(memory.epoch, memory.records);
  if (primary_) {
    shares_promises_ = true;
    fenced_epoch_ = memory.fenced_epoch;
  } else {
    const bool has_end =
        memory.end && memory.end->history == disk_.history && memory.end->offset == disk_.offset;
    disk_.Rename(MakeId(random));
    is_synced_ = memory.is_synced;
    cast_.checks.OnPrimary(group_.name, id_);
    acks_.ReturnAsPrimary(memory.is_synced || has_end || group_.acks == 0 ||
                          cast_.planted == SentinelBug::kTrustsItself);
    if (acks_.is_uncertain()) cast_.stage.trace().Add("host {} is uncertain at {}", id_, disk_.offset);
  }
  Remember();
  link_since_ms_ = host().monotonic_ms();
  host().RunAfter(static_cast<int64_t>(random.Below(kTickUs)), [this] { Tick(); });
}

std::string DataServer::Describe() const {
  const std::string role =
      primary_ ? fmt::format("a replica of {}, link {}", *primary_, is_link_up_ ? "up" : "down")
               : std::string("a primary");
  return fmt::format("host {} is {} at {}", id_, role, disk_.offset);
}

// ---- long commands

void DataServer::BeBusy(int64_t for_us) {
  if (busy_since_ms_ >= 0) return;
  cast_.stage.trace().Add("host {} is busy for {} ms", id_, for_us / kMillisecond);
  busy_since_ms_ = host().monotonic_ms();
  host().RunAfter(for_us, [this] { EndBusy(); });
}

void DataServer::EndBusy() {
  busy_since_ms_ = -1;
  std::vector<Action> waiting = std::exchange(waiting_, {});
  for (Action& action : waiting) action();
}

bool DataServer::MustWait(Action action) {
  if (busy_since_ms_ < 0) return false;
  waiting_.push_back(std::move(action));
  return true;
}

// ---- replication

void DataServer::Tick() {
  if (MustWait([this] { Tick(); })) return;
  host().RunAfter(kTickUs, [this] { Tick(); });
  if (!primary_) {
    Write();
    Sync();
    return FeedReplicas();
  }
  Sync();
  if (fenced_epoch_ != 0 && cast_.planted != SentinelBug::kGoesOnFenced) return;
  if (connection_ == 0) {
    heard_ms_ = host().monotonic_ms();
    connection_ = cast_.stage.network().Connect(id_, *primary_);
  } else if (host().monotonic_ms() - heard_ms_ > kLinkTimeoutMs) {
    cast_.stage.network().Close(connection_, id_);
    LoseLink();
  }
  FeedReplicas();
}

void DataServer::FeedReplicas() {
  if (primary_ && !is_link_up_) return;
  const std::string text = StreamText();
  for (const auto& [id, client] : clients_) {
    if (client.kind == Client::Kind::kReplica) cast_.SendMessage(id, id_, client.host, "stream", text);
  }
}

void DataServer::LoseLink() {
  connection_ = 0;
  if (std::exchange(is_link_up_, false)) link_since_ms_ = host().monotonic_ms();
}

void DataServer::OnOpened(ConnectionId id) {
  if (MustWait([this, id] { OnOpened(id); })) return;
  if (id != connection_) return;
  const bool tells = shares_promises_ && acks_.record().required > 0;
  cast_.SendCommand(id, id_, *primary_,
                    {"PSYNC", acks_.identity(), std::to_string(follows_in_epoch_),
                     tells ? std::to_string(acks_.epoch()) : std::string("-")});
}

void DataServer::OnMessage(ConnectionId id, const std::string& channel, const std::string& text) {
  if (MustWait([this, id, channel, text] { OnMessage(id, channel, text); })) return;
  if (id != connection_) return;
  heard_ms_ = host().monotonic_ms();
  if (!std::exchange(is_link_up_, true)) link_since_ms_ = heard_ms_;
  TakeStream(text);
  cast_.SendCommand(id, id_, *primary_, {"ACK", std::to_string(disk_.offset)});
}

void DataServer::Follow(const std::vector<std::string>& words) {
  HEARTH_ASSERT(words.size() == 3);
  FollowHost(words[1] == "NO" ? std::nullopt : std::optional(HostOf(words[1])), false, true);
}

void DataServer::FollowHost(std::optional<HostId> whom, bool is_forced, bool is_operator, uint64_t epoch) {
  cast_.stage.trace().Add("host {} follows {}", id_, whom ? std::to_string(*whom) : "nobody");
  replaced_ms_ = -1;
  const bool was_fenced = std::exchange(fenced_epoch_, 0) != 0;
  if (whom == primary_ && !was_fenced) return;
  HEARTH_ASSERT(whom != id_);
  is_synced_ = false;
  if (is_operator && whom) acks_.ForgetEpoch();
  if (whom != primary_) {
    follows_in_epoch_ = 0;
    shares_promises_ = false;
  }
  if (connection_ != 0) cast_.stage.network().Close(connection_, id_);
  LoseLink();
  link_since_ms_ = host().monotonic_ms();
  if (!primary_ && whom) acks_.BecomeReplica();
  if (primary_ && !whom) {
    if (!is_forced)
      cast_.checks.OnTakeOver(group_.name, id_, epoch,
                              [this](const auto& h, uint64_t o) { return disk_.Holds(h, o); });
    disk_.Rename(MakeId(cast_.stage.random()));
    acks_.BecomePrimary(is_forced);
  }
  primary_ = whom;
  Remember();
}

// ---- clients

void DataServer::OnAccepted(ConnectionId id, HostId from) {
  if (MustWait([this, id, from] { OnAccepted(id, from); })) return;
  clients_[id] = Client{.host = from};
}

void DataServer::OnEnded(ConnectionId id, Ending why) {
  if (MustWait([this, id, why] { OnEnded(id, why); })) return;
  clients_.erase(id);
  if (id == connection_) LoseLink();
}

void DataServer::OnCommand(ConnectionId id, const std::vector<std::string>& words) {
  const auto found = clients_.find(id);
  if (found != clients_.end() && found->second.kind == Client::Kind::kProbe) {
    const int64_t busy_ms = busy_since_ms_ < 0 ? 0 : host().monotonic_ms() - busy_since_ms_;
    cast_.SendReply(id, id_, found->second.host, {.kind = Reply::Kind::kInteger, .integer = busy_ms});
    return;
  }
  if (MustWait([this, id, words] { OnCommand(id, words); }) || found == clients_.end()) return;
  const HostId from = found->second.host;
  if (words[0] == "PSYNC") {
    if (TakeReplica(id, found->second, words)) return;
    cast_.stage.network().Close(id, id_);
    clients_.erase(found);
    return;
  }
  if (words[0] == "ACK") {
    found->second.acks.acknowledged = ParseUint64(words[1]).value_or(0);
    return Promise();
  }
  auto& queued = found->second.queued;
  Reply reply;
  if (words[0] == "MULTI") {
    queued.emplace();
    reply = Status("OK");
  } else if (words[0] == "EXEC") {
    reply.kind = Reply::Kind::kArray;
    HEARTH_ASSERT(queued.has_value());
    const auto commands = *std::exchange(queued, std::nullopt);
    for (const auto& command : commands) reply.elements.push_back(Execute(id, command));
  } else if (queued) {
    queued->push_back(words);
    reply = Status("QUEUED");
  } else {
    reply = Execute(id, words);
  }
  cast_.SendReply(id, id_, from, std::move(reply));
}

// False if it is not to have our dataset.
bool DataServer::TakeReplica(ConnectionId id, Client& client, const std::vector<std::string>& words) {
  HEARTH_ASSERT(words.size() == 4 && clients_.contains(id));
  const uint64_t epoch = ParseUint64(words[2]).value_or(0);
  if (!primary_ && group_.acks > 0) {
    const auto known = ParseUint64(words[3]);
    if (known && cast_.planted != SentinelBug::kTrustsItself) {
      acks_.RaiseEpoch(epoch);
      acks_.HearOf(*known);
      Remember();
    }
    if (acks_.is_uncertain()) return false;
  }
  client.kind = Client::Kind::kReplica;
  client.acks = {.address = AddressText(client.host), .identity = words[1], .epoch = epoch};
  return true;
}

Reply DataServer::Execute(ConnectionId id, const std::vector<std::string>& words) {
  if (words[0] == "PING") return Status("PONG");
  if (words[0] == "INFO") return {.kind = Reply::Kind::kText, .text = Info()};
  if (words[0] == "PUBLISH") return Publish(words[1], words[2]);
  if (words[0] == "SUBSCRIBE") clients_.at(id).kind = Client::Kind::kSubscriber;
  if (words[0] == "SLAVEOF" || words[0] == "REPLICAOF") Follow(words);
  if (words[0] == "REPLICATION") return Replication(words);
  if (words[0] == "CONFIG") disk_.primary = primary_;
  if (words[0] == "CLIENT" && words[1] == "PROBE") clients_.at(id).kind = Client::Kind::kProbe;
  if (words[0] == "CLIENT" && words[1] == "KILL") {
    KillClients(id, words[3] == "pubsub" ? Client::Kind::kSubscriber : Client::Kind::kNormal);
  }
  return Status("OK");
}

Reply DataServer::Publish(const std::string& channel, const std::string& text) {
  int64_t receivers = 0;
  for (const auto& [id, client] : clients_) {
    if (client.kind != Client::Kind::kSubscriber) continue;
    cast_.SendMessage(id, id_, client.host, channel, text);
    ++receivers;
  }
  return {.kind = Reply::Kind::kInteger, .integer = receivers};
}

void DataServer::KillClients(ConnectionId but, Client::Kind kind) {
  for (auto client = clients_.begin(); client != clients_.end();) {
    // One that probes is as normal as others.
    const Client::Kind killed =
        client->second.kind == Client::Kind::kProbe ? Client::Kind::kNormal : client->second.kind;
    if (client->first == but || killed != kind) {
      ++client;
      continue;
    }
    cast_.stage.network().Close(client->first, id_);
    client = clients_.erase(client);
  }
}

std::string DataServer::Info() {
  std::string text = fmt::format(
      "# Server\r\nhearth_version:0\r\nrun_id:{}\r\n# Clients\r\nprobing_clients:0\r\n# "
      "Persistence\r\nloading:0\r\n"
      "# Replication\r\n",
      run_id_);
  if (primary_) {
    text += fmt::format(
        "role:slave\r\nmaster_host:{}\r\nmaster_port:6379\r\nmaster_link_status:{}\r\nslave_repl_offset:{}"
        "\r\n"
        "slave_priority:{}\r\nreplica_announced:1\r\n",
        AddressOf(*primary_, false).host, is_link_up_ ? "up" : "down", disk_.offset, priority_);
    const int64_t down_ms = host().monotonic_ms() - link_since_ms_;
    if (!is_link_up_) text += fmt::format("master_link_down_since_seconds:{}\r\n", down_ms / 1000);
  } else {
    text += "role:master\r\n";
  }
  int number = 0;
  for (const auto& [id, client] : clients_) {
    if (client.kind != Client::Kind::kReplica) continue;
    text += fmt::format("slave{}:ip={},port=6379,state=online,offset={},lag=0\r\n", number++,
                        AddressOf(client.host, false).host, disk_.offset);
  }
  text += PromisesInfo() + "# Keyspace\r\n";
  if (disk_.has_keys) text += "db0:keys=1,expires=0,avg_ttl=0\r\n";
  return text;
}

}  // namespace hearth::sim
