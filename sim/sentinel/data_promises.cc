// Promised writes of a simulated server: what it writes and promises, and what Sentinels tell it in epochs
// (src/replication/epochs.cc does it in the server).
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/numbers.h"
#include "base/text.h"
#include "sim/sentinel/data_server.h"

namespace hearth::sim {
namespace {

using sentinel::Reply;

constexpr uint64_t kBytesPerTick = 100;
constexpr uint64_t kRecordBytes = 10;
constexpr int64_t kReplacedMs = 10'000;

Reply Ok() { return {.kind = Reply::Kind::kStatus, .text = "OK"}; }
Reply Stale() { return {.kind = Reply::Kind::kError, .text = "STALEEPOCH"}; }

}  // namespace

std::vector<replication::AcksReplica> DataServer::Acknowledging() const {
  std::vector<replication::AcksReplica> replicas;
  for (const auto& [id, client] : clients_) {
    if (client.kind == Client::Kind::kReplica) replicas.push_back(client.acks);
  }
  return replicas;
}

// A tick's worth of writes, unless they would be refused.
void DataServer::Write() {
  const auto replicas = Acknowledging();
  const int64_t now_ms = host().monotonic_ms();
  if (replaced_ms_ >= 0 && now_ms - replaced_ms_ > kReplacedMs) replaced_ms_ = -1;
  if (acks_.Step({.ms = now_ms,
                  .wall_ms = host().wall_ms(),
                  .history = disk_.history,
                  .end_offset = disk_.offset,
                  .required = group_.acks,
                  .replicas = replicas})) {
    disk_.offset += kRecordBytes;
    Remember();
  }
  if (replaced_ms_ >= 0 || !acks_.CanPromise(now_ms, replicas)) return;
  disk_.offset += kBytesPerTick;
  disk_.has_keys = true;
}

// A writer has its reply for all up to here.
void DataServer::Promise() {
  if (primary_ || replaced_ms_ >= 0 || group_.acks == 0) return;
  const uint64_t promised = acks_.PromisedOffset(host().monotonic_ms(), Acknowledging());
  const Dataset& dataset = disk_;
  cast_.checks.OnPromised(group_.name, id_, acks_.epoch(), dataset, std::min(promised, disk_.offset));
}

// ---- what outlives the process

void DataServer::Sync() {
  if (group_.acks == 0 || (!group_.syncs_always && cast_.stage.random().Below(3) != 0)) return;
  disk_.synced = disk_;
  is_synced_ = !primary_ && group_.syncs_always;
  Remember();
}

void DataServer::Remember() {
  if (group_.acks == 0) return;
  disk_.memory = {.epoch = acks_.epoch(),
                  .fenced_epoch = fenced_epoch_,
                  .is_synced = is_synced_,
                  .records = acks_.records()};
}

void DataServer::ShutDown() {
  disk_.synced = disk_;
  if (!primary_ && replaced_ms_ < 0 && !acks_.is_uncertain()) {
    disk_.memory.end = replication::PromiseMemory::End{disk_.history, disk_.offset};
  }
}

// ---- the stream: each message is all that there is to know

std::string DataServer::StreamText() const {
  std::string text = fmt::format("{} {} {}", disk_.has_keys ? 1 : 0, disk_.offset, disk_.history);
  for (const DataDisk::Former& former : disk_.former)
    text += fmt::format(" {}:{}", former.history, former.end);
  if (primary_ || acks_.record().history != disk_.history) return text;
  for (const auto& record : acks_.records()) text += " " + FormatAcksRecord(record);
  return text;
}

void DataServer::TakeStream(const std::string& text) {
  const auto words = SplitArguments(text);
  HEARTH_ASSERT(words && words->size() >= 3);
  disk_.has_keys = words->at(0) == "1";
  disk_.offset = ParseUint64(words->at(1)).value();
  disk_.history = words->at(2);
  disk_.former.clear();
  std::vector<replication::AcksRecord> records;
  for (size_t i = 3; i < words->size(); ++i) {
    const std::string& word = words->at(i);
    const size_t colon = word.find(':');
    if (!word.starts_with("epoch=")) {
      disk_.former.push_back({word.substr(0, colon), ParseUint64(word.substr(colon + 1)).value()});
      continue;
    }
    auto record = replication::ParseAcksRecord(word);
    HEARTH_ASSERT(record.has_value());
    records.push_back(*std::move(record));
  }
  if (records.empty()) return;
  follows_in_epoch_ = records.back().epoch;
  shares_promises_ = true;
  if (first_record_.required == 0) first_record_ = records.back();
  if (records != acks_.records()) acks_.TakeRecords(std::move(records));
  Remember();
}

// ---- Sentinels

Reply DataServer::Replication(const std::vector<std::string>& words) {
  const uint64_t epoch = ParseUint64(words.at(2)).value();
  if (epoch < acks_.epoch()) return Stale();
  if (words[1] == "FENCE") return Fence(epoch);
  if (words[1] == "REPLACED") return Replace(epoch);
  const bool is_forced = words.size() == 4;
  if (words[1] == "PROMOTE") {
    const bool is_chosen = fenced_epoch_ == epoch && fenced_here_epoch_ == epoch;
    if (primary_ && !is_chosen && !is_forced) return Stale();
    FollowHost(std::nullopt, is_forced, false, epoch);
    acks_.RaiseEpoch(epoch);
    Remember();
    return Ok();
  }
  HEARTH_ASSERT(words[1] == "FOLLOW" && words.size() == 5);
  acks_.RaiseEpoch(epoch);
  FollowHost(HostOf(words[3]), false);
  follows_in_epoch_ = epoch;
  Remember();
  return Ok();
}

Reply DataServer::Replace(uint64_t epoch) {
  if (primary_) return Ok();
  if (epoch == acks_.epoch()) return Stale();
  replaced_ms_ = host().monotonic_ms();
  return Ok();
}

Reply DataServer::Fence(uint64_t epoch) {
  if (!primary_) return Stale();
  acks_.RaiseEpoch(epoch);
  cast_.stage.trace().Add("host {} is fenced in epoch {} at {}", id_, epoch, disk_.offset);
  fenced_here_epoch_ = epoch;
  const bool is_first = std::exchange(fenced_epoch_, epoch) == 0;
  Remember();
  if (!is_first || cast_.planted == SentinelBug::kGoesOnFenced) return Ok();
  if (connection_ != 0) cast_.stage.network().Close(connection_, id_);
  LoseLink();
  return Ok();
}

std::string DataServer::PromisesInfo() const {
  if (group_.acks == 0) return {};
  std::string text = fmt::format("master_replid:{}\r\nacks_epoch:{}\r\n", disk_.history, acks_.epoch());
  if (!disk_.former.empty()) {
    text += fmt::format("master_replid2:{}\r\n", disk_.former.back().history);
  }
  if (fenced_epoch_ != 0) text += fmt::format("fenced_epoch:{}\r\n", fenced_epoch_);
  if (!primary_ && acks_.is_uncertain()) text += "acks_uncertain:it came back\r\n";
  replication::AcksRecord record = acks_.record();
  if (record.required == 0) return text;
  if (primary_ && cast_.planted == SentinelBug::kKeepsOldSet) record = first_record_;
  if (cast_.planted == SentinelBug::kOneTooFew) ++record.required;
  return text +
         fmt::format("acks_identity:{}\r\nacks_set:{}\r\n", acks_.identity(), FormatAcksRecord(record));
}

}  // namespace hearth::sim
