// A simulated server and its replicas: what replication/replicas.h does, without bytes.

#include <algorithm>
#include <ranges>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/numbers.h"
#include "sim/replication/server.h"

namespace hearth::sim {

using Way = replication::ResyncChoice::Way;

namespace {

constexpr int64_t kPingMs = 1000;
constexpr uint64_t kPingBytes = 14;

// The words of commands in a row, each an array of texts.
std::vector<std::vector<std::string>> Parse(std::string_view bytes) {
  std::vector<std::vector<std::string>> commands;
  while (!bytes.empty()) {
    const size_t end = bytes.find("\r\n");
    HEARTH_ASSERT(end != std::string_view::npos);
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 2);
    if (line.starts_with('*')) commands.emplace_back();
    if (line.starts_with('*') || line.starts_with('$')) continue;
    HEARTH_ASSERT(!commands.empty());
    commands.back().emplace_back(line);
  }
  return commands;
}

}  // namespace

void Server::OnAccepted(ConnectionId id, HostId from) {
  sessions_[id] = Session{.host = from, .heard_ms = now_ms()};
}

void Server::SendLine(ConnectionId id, HostId to, std::string line) {
  cast_.stage.network().Send(
      id, id_, [&cast = cast_, to, id, line = std::move(line)] { cast.server_of(to)->OnLine(id, line); });
}

// ---- what replicas ask for

void Server::OnCommands(ConnectionId id, const std::string& bytes) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  found->second.heard_ms = now_ms();
  if (bytes.starts_with("ACK ")) {
    const uint64_t acked = *ParseUint64(std::string_view(bytes).substr(4));
    found->second.acked = std::max(found->second.acked, std::min(acked, offset()));
    return;
  }
  const HostId from = found->second.host;
  for (const auto& words : Parse(bytes)) {
    if (std::string answer = Answer(id, words); !answer.empty()) SendLine(id, from, std::move(answer));
  }
  FeedReplicas();
}

std::string Server::Answer(ConnectionId id, const std::vector<std::string>& words) {
  if (words[0] == "PING") return "+PONG";
  if (words[0] == "REPLCONF") {
    for (const std::string& word : words) TakeCapability(sessions_.at(id), word);
    return "+OK";
  }
  HEARTH_ASSERT(words[0] == "PSYNC" && words.size() >= 3);
  return AnswerPsync(id, words);
}

// "rejoin", and ":<id>:<its end>:<the database there>" for each former name.
void Server::TakeCapability(Session& session, const std::string& word) {
  if (!options_.rejoins || !word.starts_with("rejoin") || word == "rejoin-keys") return;
  session.knows_rejoin = true;
  session.former.clear();
  for (size_t id = word.find(':'); id != std::string::npos;) {
    const size_t end = word.find(':', id + 1);
    const size_t database = word.find(':', end + 1);
    session.former.push_back({word.substr(id + 1, end - id - 1),
                              ParseUint64(word.substr(end + 1, database - end - 1)).value_or(0)});
    id = word.find(':', database + 1);
  }
}

std::string Server::SyncRefusal() const {
  if (failover_.state() != replication::Failover::State::kNone)
    return "-NOMASTERLINK Can't SYNC while failing over";
  if (is_replica() && !is_up()) return "-NOMASTERLINK Can't SYNC while not connected with my master";
  return "";
}

replication::HeldLog Server::Held() const {
  replication::HeldLog held;
  if (!kept_.is_wanted) return held;
  held.memory = replication::HeldLog::Range{kept_.memory_first, offset()};
  if (options_.keeping.has_disk_log)
    held.disk = replication::HeldLog::Range{kept_.disk_first, kept_.disk_end};
  return held;
}

// A primary hands over to us: if nothing forced it, then only when we have all that it has.
void Server::TakeOver(HostId from, bool is_forced) {
  const Server& former = *cast_.server_of(from);
  // It may have died since it asked.
  const bool is_planned = former.is_failing_over() && !former.is_failover_forced_;
  if (is_planned && is_forced) trace().Fail("host {} takes {} for forced, and it is not", id_, from);
  if (is_planned && former.dataset() != dataset()) {
    trace().Fail("host {} takes over from {} in a planned failover without all that it has", id_, from);
  }
  BecomePrimary();
}

std::string Server::AnswerPsync(ConnectionId id, const std::vector<std::string>& words) {
  Session& asking = sessions_.at(id);
  if (words.size() > 3 && words[3] == "FAILOVER") {
    if (!is_replica()) return "-ERR PSYNC FAILOVER can't be sent to a master.";
    if (words[1] != history_.id) return "-ERR PSYNC FAILOVER replid must match my replid.";
    const bool is_forced = words.size() <= 4 || words[4] != replication::kUnforced;
    // Started anew since that was decided.
    if (!is_forced && ParseUint64(words[2]) != offset() + 1) return "-ERR PSYNC FAILOVER was not forced";
    TakeOver(asking.host, is_forced);
  }
  if (std::string refusal = SyncRefusal(); !refusal.empty()) return refusal;
  // Who goes back to where we are would give up all it has, and the guard would not see it.
  const bool offers_rejoin = dataset().keys != 0 || cast_.planted == PlantedBug::kOffersRejoinEmpty;
  const replication::ResyncRequest request{.id = words[1],
                                           .wire_offset = ParseInt64(words[2]).value_or(-1),
                                           .knows_rejoin = asking.knows_rejoin && offers_rejoin,
                                           .former = asking.former};
  replication::History told = history_;
  if (cast_.planted == PlantedBug::kForgetsPreviousEnd) {
    for (auto& name : told.former) name.end = UINT64_MAX;
  }
  if (cast_.planted == PlantedBug::kForgetsOlderNames && told.former.size() > 1) told.former.resize(1);
  const replication::ResyncChoice choice = replication::ChooseResync(request, told, Held());
  if (request.id != "?")
    CheckChoice(choice, words[1], static_cast<uint64_t>(request.wire_offset) - 1, asking.host);
  const bool is_partial = choice.way == Way::kFromMemory || choice.way == Way::kFromDisk;
  const bool wants_keys = words.size() > 3 && words[3] == "REJOIN";
  asking.is_rejoining = is_partial && wants_keys;
  asking.offset = choice.offset;
  if (choice.way == Way::kRejoin) {
    return fmt::format("+REJOIN {} {} -1", choice.id, choice.offset);
  }
  if (is_partial && !wants_keys) {
    ++cast_.partial_syncs;
    asking.state = Session::State::kOnline;
    asking.offset = asking.acked = choice.offset;
    return "+CONTINUE " + history_.id;
  }
  ++(asking.is_rejoining ? cast_.rejoins : cast_.full_syncs);
  asking.state = Session::State::kWaiting;
  asking.asked_us = host().monotonic_us();
  WantLog();
  return "";
}

// Who goes on must be where we were, and a copy of everything is made only for who cannot.
void Server::CheckChoice(const replication::ResyncChoice& choice, const std::string& id, uint64_t offset,
                         HostId from) {
  if (choice.way == Way::kRejoin) {
    const auto here = kept_.log.At(choice.offset);
    const bool is_shared = here && cast_.claims.Add(choice.id, choice.offset, *here);
    if (!is_shared)
      trace().Fail("host {} says that {} of {} is shared, and it is not", id_, choice.offset, choice.id);
    return;
  }
  const bool is_partial = choice.way != Way::kFull;
  // What the log on disk was called in former lives is known, too.
  const auto on_disk =
      kept_.names | std::views::reverse | std::views::take(replication::History::kMaxFormerNames);
  const bool is_known = history_.Holds(id, offset) || std::ranges::any_of(on_disk, [&](const auto& name) {
                          return id == name.id && offset <= name.end_offset;
                        });
  const uint64_t first = options_.keeping.has_disk_log && kept_.disk_end >= kept_.memory_first
                             ? std::min(kept_.disk_first, kept_.memory_first)
                             : kept_.memory_first;
  const bool is_held = kept_.is_wanted && offset >= first && offset <= this->offset();
  if (!is_partial && is_known && is_held) {
    trace().Fail("host {} copies everything for {}, whose place {} of {} it has", id_, from, offset, id);
  }
  if (!is_partial) return;
  const auto here = kept_.log.At(offset);
  if (!here) {
    trace().Fail("host {} lets {} go on from {}, where none of its commands ends", id_, from, offset);
  } else if (!cast_.claims.Add(id, offset, *here)) {
    trace().Fail("host {} lets {} go on from {} of {}, where it had another dataset", id_, from, offset, id);
  }
}

// ---- full copies

void Server::StartDueSyncs() {
  if (!SyncRefusal().empty()) return;
  for (auto& [id, session] : sessions_) {
    if (session.state != Session::State::kWaiting) continue;
    if (host().monotonic_us() - session.asked_us < options_.sync_delay_us) continue;
    session.state = Session::State::kSending;
    // Which keys differ is not known where all were removed: then everything is copied.
    session.is_rejoining = session.is_rejoining && !kept_.log.WasEmptiedAfter(session.offset);
    session.offset = offset();
    session.acked = 0;
    const std::string_view word = session.is_rejoining ? "+REJOINING" : "+FULLRESYNC";
    SendLine(id, session.host, fmt::format("{} {} {}", word, history_.id, offset()));
    cast_.stage.network().Send(id, id_, [&cast = cast_, to = session.host, id, dataset = dataset()] {
      cast.server_of(to)->OnDatasetBegins(id, dataset);
    });
    const auto transfer_us = static_cast<int64_t>(random().Below(options_.transfer_us + 1));
    host().RunAfter(transfer_us, [this, id] {
      const auto found = sessions_.find(id);
      if (found == sessions_.end() || found->second.state != Session::State::kSending) return;
      found->second.state = Session::State::kOnline;
      cast_.stage.network().Send(
          id, id_, [&cast = cast_, to = found->second.host, id] { cast.server_of(to)->OnDatasetEnds(id); });
      FeedReplicas();
    });
  }
}

// ---- the stream

void Server::FeedReplicas() {
  for (auto& [id, session] : sessions_) {
    if (session.state != Session::State::kOnline || session.offset == offset()) continue;
    const auto entries = kept_.log.After(session.offset);
    session.offset = offset();
    cast_.stage.network().Send(
        id, id_,
        [&cast = cast_, to = session.host, id, sent = std::vector<Entry>(entries.begin(), entries.end())] {
          cast.server_of(to)->OnStream(id, sent);
        });
  }
}

void Server::LookAfterReplicas() {
  std::vector<ConnectionId> silent;
  for (const auto& [id, session] : sessions_) {
    if (session.state == Session::State::kOnline && now_ms() - session.heard_ms > kTimeoutMs)
      silent.push_back(id);
  }
  for (const ConnectionId id : silent) {
    sessions_.erase(id);
    cast_.stage.network().Close(id, id_);
  }
  if (now_ms() - kept_alive_ms_ >= 1000) {
    kept_alive_ms_ = now_ms();
    for (const auto& [id, session] : sessions_) {
      if (session.state == Session::State::kWaiting) SendLine(id, session.host, "");
    }
  }
  const bool pings = !is_replica() && SyncRefusal().empty() && kept_.is_wanted &&
                     std::any_of(sessions_.begin(), sessions_.end(),
                                 [](const auto& it) { return it.second.state != Session::State::kTalking; });
  if (!pings || now_ms() - pinged_ms_ < kPingMs) return;
  pinged_ms_ = now_ms();
  Append({offset(), offset() + kPingBytes, dataset()});
}

void Server::DropReplicas() {
  for (auto session = sessions_.begin(); session != sessions_.end();) {
    if (session->second.state == Session::State::kTalking) {
      ++session;
      continue;
    }
    cast_.stage.network().Close(session->first, id_);
    session = sessions_.erase(session);
  }
}

}  // namespace hearth::sim
