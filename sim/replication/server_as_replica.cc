// A simulated server's link to its primary: what replication/primary_link.h does, without bytes.

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/assert.h"
#include "sim/replication/server.h"

namespace hearth::sim {

using replication::Link;

// ---- the machine

replication::LinkSettings Server::SettingsNow() const {
  replication::LinkSettings settings;
  settings.port = 6379;
  settings.timeout_ms = kTimeoutMs;
  settings.keeps_data_from_empty_primary = options_.has_guard && cast_.planted != PlantedBug::kNoGuard;
  settings.rejoins = options_.rejoins;
  return settings;
}

replication::LinkPlace Server::PlaceNow() const {
  replication::LinkPlace place;
  if (kept_.is_wanted) place.id = history_.id;
  place.offset = offset();
  place.has_data = dataset().keys != 0;
  place.former = history_.former;
  return place;
}

void Server::Feed(const replication::LinkInput& input) {
  const auto effects = link_.Step(now_ms(), input, SettingsNow(), PlaceNow());
  for (const auto& effect : effects) {
    std::visit([this](const auto& what) { Do(what); }, effect);
  }
}

void Server::Do(const replication::link_effect::Tell& effect) {
  trace().Add("host {}: {}", id_, effect.text);
}

void Server::Do(const replication::link_effect::Open&) {
  HEARTH_ASSERT(connection_ == 0);
  connection_ = cast_.stage.network().Connect(id_, *primary_);
}

void Server::Do(const replication::link_effect::Close&) {
  cast_.stage.network().Close(std::exchange(connection_, 0), id_);
  early_.clear();
  const auto given_up = std::exchange(loading_, std::nullopt);
  if (!given_up || !given_up->has_dropped_old) return;
  // Nothing is left, and that is not what the history says of this place.
  kept_.log.Restart(offset(), Dataset{});
  if (cast_.planted != PlantedBug::kBelievesBrokenDataset) TakeFreshId();
}

void Server::Do(const replication::link_effect::Send& effect) {
  cast_.stage.network().Send(connection_, id_,
                             [&cast = cast_, to = *primary_, id = connection_, bytes = effect.bytes] {
                               cast.server_of(to)->OnCommands(id, bytes);
                             });
}

void Server::Do(const replication::link_effect::ReceiveDataset& effect) {
  dataset_id_ = effect.id;
  dataset_offset_ = effect.offset;
  is_dataset_rejoin_ = effect.is_rejoin;
}

void Server::Do(const replication::link_effect::GoOn& effect) {
  if (!effect.new_id.empty()) {
    ContinueAs(effect.new_id);
    DropReplicas();
  }
  may_take_anything_ = false;
  SendAck();
}

void Server::Do(const replication::link_effect::GatherLostWrites& effect) {
  const auto pause_us = static_cast<int64_t>(random().Below(kSecond));
  host().RunAfter(pause_us, [this, id = connection_, offset = effect.offset] {
    using Gathered = replication::link_input::LostWritesGathered;
    if (id != connection_ || link_.state() != Link::State::kRejoin) return;
    const auto then = HoldsLogFrom(offset) ? kept_.log.At(offset) : std::nullopt;
    if (!then || kept_.log.WasEmptiedAfter(offset)) return Feed(Gathered{Gathered::Outcome::kUnknown});
    if (*then == dataset()) return Feed(Gathered{Gathered::Outcome::kNothing});
    Feed(Gathered{Gathered::Outcome::kKeys, "*3\r\n$8\r\nREPLCONF\r\n$11\r\nrejoin-keys\r\n$1\r\nk\r\n", 1});
  });
}

bool Server::HoldsLogFrom(uint64_t offset) const {
  const replication::HeldLog held = Held();
  return held.memory && (held.memory->Reaches(offset) || (held.disk && held.disk->Reaches(offset)));
}

void Server::Do(const replication::link_effect::GoBack& effect) {
  DropReplicas();
  if (kept_.log.At(effect.offset) != dataset()) {
    trace().Fail("host {} goes back to {} as if nothing had been written since", id_, effect.offset);
    return;
  }
  BeginHistory(effect.id, effect.offset, dataset());
}

void Server::Do(const replication::link_effect::AnswerFailover& effect) {
  if (failover_.state() != replication::Failover::State::kInProgress) return;
  if (!effect.is_accepted) return AbortFailover("the target refuses");
  failover_.End();
}

void Server::SendAck() {
  acked_ms_ = now_ms();
  if (!is_up()) return;
  cast_.stage.network().Send(connection_, id_,
                             [&cast = cast_, to = *primary_, id = connection_, acked = offset()] {
                               cast.server_of(to)->OnCommands(id, fmt::format("ACK {}", acked));
                             });
}

// ---- the connection

void Server::OnOpened(ConnectionId id) {
  if (id == connection_) Feed(replication::link_input::Opened());
}

void Server::OnEnded(ConnectionId id, Ending why) {
  sessions_.erase(id);
  if (id == connection_) Feed(replication::link_input::Lost{why == Ending::kRefused ? "refused" : "reset"});
}

void Server::OnLine(ConnectionId id, const std::string& line) {
  if (id != connection_) return;
  if (link_.state() == Link::State::kSync) return Feed(replication::link_input::Activity());
  Feed(replication::link_input::Line{line});
}

// ---- the dataset

// Nothing but an operator's word makes a server give up what it has for nothing, unless the emptiness is a
// place of its own history.
void Server::CheckGuard(const Dataset& offered) {
  const bool gives_up = options_.has_guard && dataset().keys != 0 && offered.keys == 0;
  if (!gives_up || may_take_anything_ || dataset_id_ == history_.id) return;
  trace().Fail("host {} gives up {} keys for an empty dataset that nobody asked for", id_, dataset().keys);
}

void Server::OnDatasetBegins(ConnectionId id, const Dataset& dataset) {
  if (id != connection_) return;
  loading_ = Loading{dataset, dataset_id_, dataset_offset_, is_dataset_rejoin_};
  Feed(replication::link_input::DatasetSeen{dataset.keys == 0});
}

void Server::Do(const replication::link_effect::TakeDataset&) {
  HEARTH_ASSERT(loading_.has_value());
  CheckGuard(loading_->offered);
  // Some keys change, once all have come.
  if (loading_->is_rejoin) return;
  if (options_.load == ServerOptions::Load::kFile) return;
  PrepareForLoading();
}

void Server::PrepareForLoading() {
  DropReplicas();
  // In place, the old data goes when the first key comes.
  loading_->has_dropped_old = options_.load != ServerOptions::Load::kBeside && loading_->offered.keys != 0;
}

void Server::OnDatasetEnds(ConnectionId id) {
  if (id != connection_ || !loading_) return;
  loading_->is_complete = true;
  if (options_.load == ServerOptions::Load::kFile && !loading_->is_rejoin) PrepareForLoading();
  host().RunAfter(static_cast<int64_t>(random().Below(options_.transfer_us + 1)), [this, id] {
    if (id == connection_ && loading_) FinishLoading();
  });
}

void Server::FinishLoading() {
  const Loading loaded = *std::exchange(loading_, std::nullopt);
  HEARTH_ASSERT(loaded.is_complete);
  DropReplicas();
  BeginHistory(loaded.id, loaded.offset, loaded.offered);
  if (!loaded.is_rejoin) ++full_syncs_taken_;
  may_take_anything_ = false;
  Feed(replication::link_input::DatasetLoaded());
  trace().Add("{}", Describe());
  SendAck();
  for (const Entry& entry : std::exchange(early_, {})) Apply(entry);
}

// ---- the stream

void Server::OnStream(ConnectionId id, const std::vector<Entry>& entries) {
  if (id != connection_) return;
  Feed(replication::link_input::Activity());
  if (loading_) {
    early_.insert(early_.end(), entries.begin(), entries.end());
    return;
  }
  for (const Entry& entry : entries) Apply(entry);
  FeedReplicas();
}

void Server::Apply(const Entry& entry) {
  if (trace().has_failed()) return;
  if (entry.begin != offset()) {
    trace().Fail("host {} is at {}, and its primary sends what stands at {}", id_, offset(), entry.begin);
    return;
  }
  Append(entry);
}

}  // namespace hearth::sim
