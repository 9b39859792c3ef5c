#include "persistence/held_replies.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "resp/reply_parser.h"

namespace hearth::persistence {
namespace {

using log::Gate;
using log::GateRequirement;

constexpr std::string_view kDemoted = "this server is no primary any more";

// The first `size` bytes of `from`, none of which is taken apart.
std::string Take(resp::OutputBuffer& from, size_t size) {
  std::string taken;
  taken.reserve(size);
  while (size > 0) {
    iovec piece;
    HEARTH_ASSERT(from.FillIov(&piece, 1) == 1);
    const size_t here = std::min(size, piece.iov_len);
    taken.append(static_cast<const char*>(piece.iov_base), here);
    from.Consume(here);
    size -= here;
  }
  return taken;
}

void Move(resp::OutputBuffer& from, size_t size, resp::OutputBuffer& to) {
  while (size > 0) {
    iovec piece;
    HEARTH_ASSERT(from.FillIov(&piece, 1) == 1);
    const size_t here = std::min(size, piece.iov_len);
    to.Append({static_cast<const char*>(piece.iov_base), here});
    from.Consume(here);
    size -= here;
  }
}

}  // namespace

std::string WithError(std::string_view replies, std::string_view error) {
  const std::string line = fmt::format("-{}\r\n", error);
  if (replies.find('>') == std::string_view::npos) return line;
  std::string result;
  bool has_error = false;
  resp::ReplyParser parser;
  while (!replies.empty()) {
    std::string_view rest = replies;
    const Result<bool> complete = parser.Feed(rest);
    if (!complete || !*complete) break;
    (void)parser.TakeReply();
    const std::string_view one = replies.substr(0, replies.size() - rest.size());
    if (one.starts_with('>')) {
      result += one;
    } else if (!std::exchange(has_error, true)) {
      result += line;
    }
    replies = rest;
  }
  if (!has_error) result += line;
  return result;
}

// ---- groups

HeldReplies::Group& HeldReplies::GroupFor(const GateRequirement& requirement, bool is_own) {
  for (const uint64_t number : forming_) {
    Group& group = groups_.find(number)->second;
    if (group.requirement == requirement && group.is_own == is_own) return group;
  }
  const uint64_t number = next_number_++;
  forming_.push_back(number);
  return groups_
      .emplace(number, Group{.number = number,
                             .requirement = requirement,
                             .is_own = is_own,
                             .begun_ms = NowMs(),
                             .clients = {}})
      .first->second;
}

bool HeldReplies::AfterWrite(engine::Client& client, const engine::WrittenUnit& unit, bool waits_for_disk) {
  if (client.connection == nullptr) return false;
  resp::OutputBuffer& output = client.connection->output();
  // A client that wants no replies (CLIENT REPLY) is told of no error either.
  const bool has_reply =
      &client.writer.output() == &output && output.size_bytes() > unit.reply_start && unit.is_write;
  const uint32_t acks = has_reply ? parts_.engine.AcksFor(client) : 0;
  if (acks == 0 && !waits_for_disk) return false;
  using Local = GateRequirement::Local;
  Group& group = GroupFor({.local = waits_for_disk ? Local::kReleased : Local::kNone,
                           .replicas_received = acks,
                           .is_promised = IsPromised(acks)},
                          acks != 0 && client.acks >= 0);
  group.end = parts_.write_log.end_offset();
  if (client.held == nullptr) client.held = std::make_unique<engine::HeldOutput>();
  engine::HeldOutput& held = *client.held;
  if (acks != 0) {
    held.promises.push_back({group.number, group.end, unit.reply_start, output.size_bytes(), {}});
  }
  if (std::exchange(held.last_group, group.number) != group.number) {
    ++held.groups;
    group.clients.push_back(client.id);
  }
  client.connection->HoldOutput();
  return acks != 0;
}

void HeldReplies::Pump(bool has_file) {
  const int64_t now_ms = NowMs();
  parts_.gate.EndTimedOut(now_ms);
  for (const uint64_t number : std::exchange(forming_, {})) {
    Group& group = groups_.find(number)->second;
    if (!has_file) group.requirement.local = GateRequirement::Local::kNone;
    Wait(group);
  }
  if (const int64_t deadline_ms = parts_.gate.NextDeadlineMs(); deadline_ms != 0) {
    parts_.loop.LimitNextWait(std::max<int64_t>(deadline_ms - now_ms, 0) * 1000);
  }
}

void HeldReplies::Wait(Group& group) {
  if (parts_.gate.IsReached(group.end, group.requirement)) return Release(group);
  const bool has_deadline =
      group.requirement.replicas_received != 0 && settings_.replication_acks_timeout != 0;
  group.wait = parts_.gate.Wait(
      group.end, group.requirement, has_deadline ? group.begun_ms + settings_.replication_acks_timeout : 0,
      [this, number = group.number](Gate::Outcome outcome) { OnEnd(number, outcome); });
}

void HeldReplies::OnEnd(uint64_t number, Gate::Outcome outcome) {
  Group& group = groups_.find(number)->second;
  group.wait = 0;
  switch (outcome) {
    case Gate::Outcome::kReached:
      return Release(group);
    case Gate::Outcome::kNewLog:
      BreakPromises(group, kDemoted);
      return Release(group);
    case Gate::Outcome::kNoFile:
      group.requirement.local = GateRequirement::Local::kNone;
      return Wait(group);
    case Gate::Outcome::kTimedOut:
      BreakPromises(group, fmt::format("{} ms have passed", settings_.replication_acks_timeout));
      // An error is no reason to say anything before the disk has what is said.
      return Wait(group);
  }
}

// ---- replies

void HeldReplies::BreakPromises(Group& group, std::string_view reason) {
  const uint32_t acks = std::exchange(group.requirement.replicas_received, 0);
  const bool is_promised = std::exchange(group.requirement.is_promised, false);
  if (acks == 0) return;
  for (const uint64_t id : group.clients) {
    const engine::Client* const client = parts_.engine.clients().Find(id);
    if (client == nullptr) continue;
    for (engine::HeldOutput::Promise& promise : client->held->promises) {
      if (promise.group != group.number || !promise.error.empty()) continue;
      const size_t have = parts_.gate.CountReceived(promise.offset);
      const bool have_enough = have >= acks;
      if (have_enough && (!is_promised || promise.offset <= parts_.gate.promised())) continue;
      promise.error = fmt::format(
          "NOREPLICAS The write was done here and may or may not survive: {} of the {} replicas that were to "
          "acknowledge it have done so{}, and {}",
          have, acks, have_enough ? ", but not enough of those who would be asked for it" : "", reason);
      parts_.engine.CountError(promise.error);
      ++stats_.broken;
    }
  }
}

void HeldReplies::Release(Group& group) {
  if (group.requirement.replicas_received != 0) {
    stats_.acknowledged_end = std::max(stats_.acknowledged_end, group.end);
  }
  for (const uint64_t id : group.clients) {
    engine::Client* const client = parts_.engine.clients().Find(id);
    if (client == nullptr) continue;
    engine::HeldOutput& held = *client->held;
    if (--held.groups > 0) continue;
    SendErrors(*client);
    stats_.kept += static_cast<uint64_t>(std::count_if(held.promises.begin(), held.promises.end(),
                                                       [](const auto& one) { return one.error.empty(); }));
    held.promises.clear();
    if (held.promises.capacity() > kKeptPromises) held.promises.shrink_to_fit();
    client->connection->ReleaseOutput();
  }
  groups_.erase(group.number);
}

// Nothing has left the output since the first of these replies was written, so that their places hold.
void HeldReplies::SendErrors(engine::Client& client) {
  const auto& promises = client.held->promises;
  const auto is_broken = [](const auto& promise) { return !promise.error.empty(); };
  if (std::none_of(promises.begin(), promises.end(), is_broken)) return;
  resp::OutputBuffer& output = client.connection->output();
  size_t at = 0;
  for (const engine::HeldOutput::Promise& promise : promises) {
    if (!is_broken(promise)) continue;
    Move(output, promise.start - at, rewritten_);
    rewritten_.Append(WithError(Take(output, promise.end - promise.start), promise.error));
    at = promise.end;
  }
  Move(output, output.size_bytes(), rewritten_);
  output.TakeAll(rewritten_);
}

// ---- changes while clients wait

// Who asks for less than the configuration is not told more.
bool HeldReplies::IsPromised(uint32_t acks) const {
  const int64_t required = settings_.replication_acks;
  return required > 0 && acks >= static_cast<uint32_t>(required);
}

std::vector<HeldReplies::Group*> HeldReplies::WaitingForReplicas() {
  std::vector<Group*> found;
  for (auto& [number, group] : groups_) {
    if (group.requirement.replicas_received != 0) found.push_back(&group);
  }
  return found;
}

// Groups of this turn have no place at the gate yet, and get one in Pump.
void HeldReplies::Reconsider() {
  for (Group* group : WaitingForReplicas()) {
    if (!group->is_own) {
      group->requirement.replicas_received = static_cast<uint32_t>(settings_.replication_acks);
      group->requirement.is_promised = IsPromised(group->requirement.replicas_received);
    }
    if (parts_.gate.Cancel(std::exchange(group->wait, 0))) Wait(*group);
  }
}

void HeldReplies::EndPromises() {
  for (Group* group : WaitingForReplicas()) {
    BreakPromises(*group, kDemoted);
    if (parts_.gate.Cancel(std::exchange(group->wait, 0))) Wait(*group);
  }
}

void HeldReplies::OnNewLog() {
  EndPromises();
  // Their places are in the old one.
  for (const uint64_t number : forming_) groups_.find(number)->second.requirement = {};
}

size_t HeldReplies::promised_client_count() const {
  size_t count = 0;
  parts_.engine.clients().ForEach([&count](const engine::Client& client) {
    count += client.is_held() && !client.held->promises.empty();
  });
  return count;
}

}  // namespace hearth::persistence
