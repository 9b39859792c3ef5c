#include "replication/core/acks_set.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/assert.h"
#include "base/numbers.h"

namespace hearth::replication {
namespace {

constexpr std::string_view kNote = "hearth-acks ";
constexpr size_t kMaxWordBytes = 320;
constexpr size_t kMaxMembers = 1024;

// Takes the text up to `end` away from its front.
std::string_view TakeUpTo(std::string_view& text, char end) {
  const size_t at = text.find(end);
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return word;
}

bool IsWord(std::string_view word) {
  return !word.empty() && word.size() <= kMaxWordBytes && std::ranges::all_of(word, [](char c) {
    return c > ' ' && c < 0x7f && c != ',' && c != '=' && c != '|' && c != '@';
  });
}

std::optional<AcksMember> ParseMember(std::string_view text) {
  const std::string_view address = TakeUpTo(text, '@');
  if (!IsWord(address) || !IsWord(text)) return std::nullopt;
  return AcksMember{std::string(address), std::string(text)};
}

bool TakeField(std::string_view name, std::string_view value, AcksRecord& record) {
  if (name == "members") {
    while (!value.empty()) {
      auto member = ParseMember(TakeUpTo(value, '|'));
      if (!member || record.members.size() >= kMaxMembers) return false;
      record.members.push_back(*std::move(member));
    }
    return true;
  }
  if (name == "history") {
    record.history = value;
    return IsWord(value);
  }
  const auto number = ParseUint64(value);
  if (!number) return false;
  if (name == "epoch") {
    if (*number > AcksSet::kMaxEpoch) return false;
    record.epoch = *number;
  }
  if (name == "version") record.version = *number;
  if (name == "required") {
    if (*number > UINT32_MAX) return false;
    record.required = static_cast<uint32_t>(*number);
  }
  return true;
}

// One of ours. Others may be known by the same address.
const AcksReplica* Find(std::span<const AcksReplica> replicas, std::string_view address) {
  const auto found = std::ranges::find_if(replicas, [address](const AcksReplica& replica) {
    return replica.address == address && !replica.identity.empty();
  });
  return found == replicas.end() ? nullptr : &*found;
}

}  // namespace

std::string FormatAcksRecord(const AcksRecord& record) {
  std::string text = "epoch=" + std::to_string(record.epoch) + ",version=" + std::to_string(record.version) +
                     ",history=" + record.history + ",required=" + std::to_string(record.required) +
                     ",members=";
  for (size_t i = 0; i < record.members.size(); ++i) {
    if (i > 0) text += '|';
    text += record.members[i].address + "@" + record.members[i].identity;
  }
  return text;
}

std::optional<AcksRecord> ParseAcksRecord(std::string_view text) {
  AcksRecord record;
  while (!text.empty()) {
    std::string_view value = TakeUpTo(text, ',');
    const std::string_view name = TakeUpTo(value, '=');
    if (!TakeField(name, value, record)) return std::nullopt;
  }
  if (record.history.empty()) return std::nullopt;
  return record;
}

std::string AcksNote(const std::vector<AcksRecord>& records) {
  HEARTH_ASSERT(!records.empty());
  std::string text(kNote);
  for (size_t i = records.size(); i > 0; --i) {
    if (i < records.size()) text += ' ';
    text += FormatAcksRecord(records[i - 1]);
  }
  return "*2\r\n$4\r\nping\r\n$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

std::optional<std::vector<AcksRecord>> ParseAcksNote(std::string_view text) {
  if (!text.starts_with(kNote)) return std::nullopt;
  text.remove_prefix(kNote.size());
  std::vector<AcksRecord> records;
  do {
    auto record = ParseAcksRecord(TakeUpTo(text, ' '));
    if (!record || records.size() > AcksSet::kMaxOlderSets + 1) return std::nullopt;
    records.push_back(*std::move(record));
  } while (!text.empty());
  std::ranges::reverse(records);
  return records;
}

void AcksSet::Restore(uint64_t epoch, std::vector<AcksRecord> records) {
  RaiseEpoch(epoch);
  if (!records.empty()) TakeRecords(std::move(records));
}

std::vector<AcksRecord> AcksSet::records() const {
  if (sets_.empty()) {
    std::vector<AcksRecord> records = older_;
    if (record_.required > 0) records.push_back(record_);
    return records;
  }
  std::vector<AcksRecord> records;
  for (const Set& set : sets_) records.push_back(set.record);
  return records;
}

// ---- as a replica

void AcksSet::TakeRecords(std::vector<AcksRecord> records) {
  HEARTH_ASSERT(!records.empty() && sets_.empty());
  ++changes_;
  record_ = std::move(records.back());
  records.pop_back();
  older_ = std::move(records);
  RaiseEpoch(record_.epoch);
}

void AcksSet::BecomeReplica() {
  older_.clear();
  for (size_t i = 0; i + 1 < sets_.size(); ++i) older_.push_back(std::move(sets_[i].record));
  sets_.clear();
  seen_.clear();
  required_ = 0;
  is_current_ours_ = false;
  is_uncertain_ = false;
  goes_on_ = false;
  ++changes_;
}

// ---- as a primary

void AcksSet::BecomePrimary(bool forgets_former) {
  sets_.clear();
  seen_.clear();
  is_current_ours_ = false;
  if (record_.required > 0 && !forgets_former) {
    for (AcksRecord& record : older_) sets_.push_back({std::move(record), 0});
    sets_.push_back({record_, 0});
  }
  older_.clear();
  told_older_ = older_count();
  ++changes_;
}

void AcksSet::ReturnAsPrimary(bool has_all) {
  BecomePrimary(false);
  is_uncertain_ = !has_all && record_.required > 0;
}

// Where there is an epoch that we have not heard of, somebody has perhaps replaced us; and who made promises
// and knows nothing of them has lost its disk.
void AcksSet::HearOf(uint64_t epoch) {
  if (goes_on_) return RaiseEpoch(epoch);
  if (epoch > epoch_ || record_.required == 0) is_uncertain_ = true;
}

void AcksSet::GoOn() {
  is_uncertain_ = false;
  goes_on_ = true;
}

void AcksSet::NoteSeen(const Now& now) {
  for (const AcksReplica& replica : now.replicas) {
    if (Find(now.replicas, replica.address) != &replica) continue;
    Seen& seen = seen_[replica.address];
    if (seen.identity != replica.identity) seen = {replica.identity, now.ms, now.ms};
    seen.last_ms = now.ms;
  }
  std::erase_if(seen_, [&](const auto& named) { return now.ms - named.second.last_ms > kKeepAwayMs; });
}

std::vector<AcksMember> AcksSet::MembersNow(const Now& now) const {
  std::vector<AcksMember> members;
  for (const AcksReplica& replica : now.replicas) {
    if (Find(now.replicas, replica.address) == &replica)
      members.push_back({replica.address, replica.identity});
  }
  if (is_ours()) {
    for (const AcksMember& member : record_.members) {
      if (seen_.contains(member.address) && Find(now.replicas, member.address) == nullptr) {
        members.push_back(member);
      }
    }
  }
  std::ranges::sort(members, {}, &AcksMember::address);
  return members;
}

// A member that came by a full copy has not seen what was appended before it.
bool AcksSet::IsToBeTold(const Now& now, const std::vector<AcksMember>& members, uint32_t required) const {
  if (!is_ours() || record_.members != members || record_.history != now.history) return true;
  if (record_.required != required || record_.epoch != epoch_) return true;
  return std::ranges::any_of(now.replicas, [this](const AcksReplica& replica) {
    return !replica.identity.empty() && replica.stream_start > sets_.back().offset;
  });
}

// Replicas of another kind can be no members. Where they are what there is to acknowledge, their number is
// all that counts; but once there is a set, it is not given up for them.
uint32_t AcksSet::RequiredOf(const Now& now) const {
  const auto others = std::ranges::count(now.replicas, std::string(), &AcksReplica::identity);
  const bool has_enough = now.replicas.size() >= now.required + static_cast<size_t>(others);
  return sets_.empty() && others > 0 && !has_enough ? 0 : now.required;
}

bool AcksSet::Step(const Now& now) {
  // A primary that has restarted hears so in which epoch it is.
  for (const AcksReplica& replica : now.replicas) RaiseEpoch(replica.epoch);
  NoteSeen(now);
  required_ = now.required;
  if (required_ == 0) is_uncertain_ = false;
  if (is_uncertain_) return false;
  required_ = RequiredOf(now);
  if (required_ == 0) return EndPromises(now);
  DropOlder(now);
  std::vector<AcksMember> members = MembersNow(now);
  uint32_t required = required_;
  if (members.size() < required) {
    // Of fewer members no write could be promised: the last set stands, in our history. Its members that copy
    // from us have all that was promised before.
    if (sets_.empty() || now.replicas.empty()) return false;
    members = record_.members;
    required = record_.required;
  }
  if (sets_.size() > kMaxOlderSets || !IsToBeTold(now, members, required)) {
    // Whoever takes our place is not to be bound by sets that are done with.
    const bool is_news = is_ours() && older_count() < told_older_;
    if (is_news) told_older_ = older_count();
    return is_news;
  }
  Append(now, std::move(members), required);
  is_current_ours_ = true;
  return true;
}

// The last note says that there is no set any more.
bool AcksSet::EndPromises(const Now& now) {
  if (!sets_.empty()) ++changes_;
  sets_.clear();
  is_current_ours_ = false;
  if (record_.required == 0 || now.replicas.empty()) return false;
  Append(now, {}, 0);
  return true;
}

void AcksSet::Append(const Now& now, std::vector<AcksMember> members, uint32_t required) {
  record_ = {
      .epoch = epoch_,
      .version = std::max(record_.version + 1, static_cast<uint64_t>(std::max<int64_t>(now.wall_ms, 0))),
      .history = std::string(now.history),
      .required = required,
      .members = std::move(members)};
  sets_.push_back({record_, now.end_offset});
  told_older_ = older_count();
  ++changes_;
}

std::vector<uint64_t> AcksSet::Acknowledged(const Set& set, int64_t now_ms,
                                            std::span<const AcksReplica> replicas, bool knows_newest) const {
  std::vector<uint64_t> offsets;
  for (const AcksMember& member : set.record.members) {
    if (member.identity == identity_) {
      // As a replica it was one of those who acknowledged. Of its own set nobody counts but the others.
      if (!is_ours() || &set != &sets_.back()) offsets.push_back(UINT64_MAX);
      continue;
    }
    const AcksReplica* const replica = Find(replicas, member.address);
    if (replica == nullptr) continue;
    if (replica->identity != member.identity) {
      const auto seen = seen_.find(replica->address);
      if (seen == seen_.end() || now_ms - seen->second.since_ms < kNewProcessMs) continue;
    }
    if (knows_newest && replica->stream_start > sets_.back().offset) continue;
    offsets.push_back(replica->acknowledged);
  }
  return offsets;
}

void AcksSet::DropOlder(const Now& now) {
  std::erase_if(sets_, [](const Set& set) { return set.record.required == 0; });
  if (!is_ours()) return;
  const uint64_t newest = sets_.back().offset;
  const auto is_done_with = [&](const Set& set) {
    if (set.record.version == record_.version) return false;
    const std::vector<uint64_t> offsets = Acknowledged(set, now.ms, now.replicas, true);
    return std::ranges::count_if(offsets, [newest](uint64_t offset) { return offset > newest; }) >=
           static_cast<ptrdiff_t>(set.record.required);
  };
  if (std::erase_if(sets_, is_done_with) > 0) ++changes_;
}

uint64_t AcksSet::PromisedOffset(int64_t now_ms, std::span<const AcksReplica> replicas) const {
  if (required_ == 0) return UINT64_MAX;
  if (!is_ours()) return 0;
  uint64_t promised = UINT64_MAX;
  for (const Set& set : sets_) {
    std::vector<uint64_t> offsets = Acknowledged(set, now_ms, replicas, false);
    const size_t required = std::max(set.record.required, uint32_t{1});
    if (offsets.size() < required) return 0;
    std::ranges::sort(offsets, std::greater<>());
    promised = std::min(promised, offsets[required - 1]);
  }
  return promised;
}

bool AcksSet::CanPromise(int64_t now_ms, std::span<const AcksReplica> replicas) const {
  if (required_ == 0) return true;
  return is_ours() && std::ranges::all_of(sets_, [&](const Set& set) {
           return Acknowledged(set, now_ms, replicas, false).size() >= set.record.required;
         });
}

}  // namespace hearth::replication
