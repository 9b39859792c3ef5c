// Which replicas may have acknowledged promised writes (`replication-acks`), so that whoever replaces a lost
// primary knows how many of them have to answer. Pure.
//
// The primary writes each change of the set into its stream: a record with the members and how many of them
// (K) must have a write. So whoever knows a record has all that was logged before it. A write is promised
// when K members have it, in the newest set and in each older one that a majority against us could still go
// by: an older set is done with when K of its members have a newer record, since any N - K + 1 of its N
// members include one of those. docs/replication.md ("A promise outlives its primary") has the argument.
//
// Each process of a replica has an identity: one that restarted may have lost what its former self had
// acknowledged, and counts as another one.
//
// What is known of sets and epochs outlives the process (core/promise_memory.h). A primary that comes back
// and cannot know that it has all that was promised is uncertain: it promises nothing, and must give nobody
// its dataset, until it has become a replica or an operator has said that it is to go on. So is one whose
// replicas know of promises that it does not.
//
// Owned by replication/'s front; any one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::replication {

struct AcksMember {
  std::string address;   // host:port, as INFO has them
  std::string identity;  // of its process

  bool operator==(const AcksMember&) const = default;
};

// As one line of text: docs/formats/replication.md.
struct AcksRecord {
  uint64_t epoch = 0;     // of the failover that made the primary one; with the version it orders records
  uint64_t version = 0;   // grows with each record
  std::string history;    // in whose stream it stands
  uint32_t required = 0;  // how many members must have a write; 0: nothing is promised
  std::vector<AcksMember> members;

  bool operator==(const AcksRecord&) const = default;
};

// What a replica says of itself as a capability: "acks:<identity>:<epoch in which it follows>", and behind
// another colon the epoch that it has heard of, if it knows of promises that its primary should know of.
inline constexpr std::string_view kAcksWord = "acks:";

std::string FormatAcksRecord(const AcksRecord& record);
std::optional<AcksRecord> ParseAcksRecord(std::string_view text);
// Records as they stand in the stream: a PING with a text, which servers that do not know it pass over; and
// back, from that text. The newest one is last here and first there.
std::string AcksNote(const std::vector<AcksRecord>& records);
std::optional<std::vector<AcksRecord>> ParseAcksNote(std::string_view text);

// A replica that is online and says how far it is.
struct AcksReplica {
  std::string address;
  std::string identity;  // empty: it is none of ours, and knows no records
  uint64_t acknowledged = 0;
  // From here on it was given the stream; 0 if this process had what came before, too.
  uint64_t stream_start = 0;
  uint64_t epoch = 0;  // in which it follows us; 0 if nobody has said
};

class AcksSet {
 public:
  // Members that are away stay members for so long: a short break is no reason for a new set.
  static constexpr int64_t kKeepAwayMs = 5'000;
  // A new process of an older set's member counts for that set after this time: whoever has asked its former
  // self for its place has decided by then, or asks again.
  static constexpr int64_t kNewProcessMs = 1'000;
  static constexpr size_t kMaxOlderSets = 16;
  static constexpr uint64_t kMaxEpoch = uint64_t{1} << 62;

  explicit AcksSet(std::string identity) : identity_(std::move(identity)) {}

  // A process before this one has left that, at the start.
  void Restore(uint64_t epoch, std::vector<AcksRecord> records);

  // ---- as a replica

  // They stand in the stream, and all before them has been applied. The newest is the last.
  void TakeRecords(std::vector<AcksRecord> records);
  // The primary is another one, whose records are still to come.
  void BecomeReplica();

  // ---- as a primary

  // Promises of former primaries are kept: their set is older than ours now. With `forgets_former` they are
  // given up.
  void BecomePrimary(bool forgets_former);
  // It is a primary from the start on. Without `has_all` it may lack what was promised.
  void ReturnAsPrimary(bool has_all);
  // A replica comes that has heard of that epoch, and knows of promises that its primary should know of.
  void HearOf(uint64_t epoch);
  bool is_uncertain() const { return is_uncertain_; }
  // As a primary, whatever may be missing: an operator has said so.
  void GoOn();

  struct Now {
    int64_t ms;
    int64_t wall_ms;
    std::string_view history;
    uint64_t end_offset;
    uint32_t required;  // `replication-acks`
    std::span<const AcksReplica> replicas;
  };
  // Whether a note is to be appended to the stream at `end_offset`, of records().
  bool Step(const Now& now);
  // The note of the last Step comes to stand there, after all.
  void MoveNote(uint64_t end_offset) {
    if (!sets_.empty()) sets_.back().offset = end_offset;
  }
  // Promises hold for what stands before this offset. With nothing required that is everything.
  uint64_t PromisedOffset(int64_t now_ms, std::span<const AcksReplica> replicas) const;
  // Enough members are there to promise a write.
  bool CanPromise(int64_t now_ms, std::span<const AcksReplica> replicas) const;

  // ---- what is known

  // The newest; of this server, or of the primary that it follows or has followed.
  const AcksRecord& record() const { return record_; }
  // It, and the older ones that somebody could still go by, before it.
  std::vector<AcksRecord> records() const;
  // Grows with each change of the epoch or the records.
  uint64_t changes() const { return changes_; }
  const std::string& identity() const { return identity_; }
  size_t older_count() const { return sets_.empty() ? 0 : sets_.size() - 1; }
  uint64_t epoch() const { return epoch_; }
  void RaiseEpoch(uint64_t epoch) {
    if (epoch_ < epoch) SetEpoch(epoch);
  }
  // An operator is not bound by what Sentinels have said.
  void ForgetEpoch() { SetEpoch(0); }

 private:
  // A set that may be gone by, the newest last.
  struct Set {
    AcksRecord record;
    uint64_t offset = 0;  // who has acknowledged more than this has the record
  };
  struct Seen {
    std::string identity;
    int64_t since_ms = 0;  // this identity
    int64_t last_ms = 0;
  };

  void SetEpoch(uint64_t epoch) {
    if (epoch_ != epoch) ++changes_;
    epoch_ = epoch;
  }
  // The newest set is this server's own.
  bool is_ours() const { return !sets_.empty() && is_current_ours_; }
  uint32_t RequiredOf(const Now& now) const;
  void NoteSeen(const Now& now);
  std::vector<AcksMember> MembersNow(const Now& now) const;
  bool IsToBeTold(const Now& now, const std::vector<AcksMember>& members, uint32_t required) const;
  bool EndPromises(const Now& now);
  void Append(const Now& now, std::vector<AcksMember> members, uint32_t required);
  void DropOlder(const Now& now);
  // The members' offsets that count for this set, in no order.
  std::vector<uint64_t> Acknowledged(const Set& set, int64_t now_ms, std::span<const AcksReplica> replicas,
                                     bool knows_newest) const;

  std::string identity_;
  uint64_t epoch_ = 0;
  uint32_t required_ = 0;
  AcksRecord record_;
  std::vector<AcksRecord> older_;  // of a replica; a primary's stand in sets_
  std::deque<Set> sets_;
  size_t told_older_ = 0;  // older sets that the last note had
  bool is_current_ours_ = false;
  bool is_uncertain_ = false;
  bool goes_on_ = false;  // whatever replicas have heard of
  uint64_t changes_ = 0;
  std::map<std::string, Seen> seen_;  // by address
};

}  // namespace hearth::replication
