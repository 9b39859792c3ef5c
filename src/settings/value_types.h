// The types of those directives whose value is more than a number, a word or a text. Plain values: any thread
// that owns a copy may use it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::settings {

// "save 900 1": a snapshot is due when `changes` writes have happened and `seconds` have passed since the
// last one.
struct SavePoint {
  int64_t seconds = 0;
  int64_t changes = 0;
  bool operator==(const SavePoint&) const = default;
};

// Kinds of clients with an output buffer limit each; the index into Settings::client_output_buffer_limit.
enum class ClientClass : uint8_t { kNormal, kReplica, kPubSub };
inline constexpr int kClientClassCount = 3;

// A client is closed when its pending replies pass `hard_bytes`, or stay above `soft_bytes` for
// `soft_seconds`. Zero turns a limit off.
struct OutputBufferLimit {
  uint64_t hard_bytes = 0;
  uint64_t soft_bytes = 0;
  int64_t soft_seconds = 0;
  bool operator==(const OutputBufferLimit&) const = default;
};
using OutputBufferLimits = std::array<OutputBufferLimit, kClientClassCount>;

// The primary that "replicaof host port" names; an empty host means that this server is a primary.
struct PrimaryAddress {
  std::string host;
  int64_t port = 0;
  bool operator==(const PrimaryAddress&) const = default;
};

// Classes of keyspace notifications (notify-keyspace-events). The letters are the configuration's.
enum NotifyFlag : int {
  kNotifyKeyspace = 1 << 0,   // K: publish to __keyspace@<db>__:<key>
  kNotifyKeyevent = 1 << 1,   // E: publish to __keyevent@<db>__:<event>
  kNotifyGeneric = 1 << 2,    // g
  kNotifyString = 1 << 3,     // $
  kNotifyList = 1 << 4,       // l
  kNotifySet = 1 << 5,        // s
  kNotifyHash = 1 << 6,       // h
  kNotifySortedSet = 1 << 7,  // z
  kNotifyExpired = 1 << 8,    // x
  kNotifyEvicted = 1 << 9,    // e
  kNotifyStream = 1 << 10,    // t
  kNotifyKeyMiss = 1 << 11,   // m, not part of A
  kNotifyModule = 1 << 12,    // d
  kNotifyNew = 1 << 13,       // n, not part of A
  // A stands for every class but key misses and new keys.
  kNotifyAll = kNotifyGeneric | kNotifyString | kNotifyList | kNotifySet | kNotifyHash | kNotifySortedSet |
               kNotifyExpired | kNotifyEvicted | kNotifyStream | kNotifyModule,
};

// The value of notify-keyspace-events: NotifyFlag bits.
struct NotifyFlags {
  int bits = 0;
  bool operator==(const NotifyFlags&) const = default;
};

// oom-score-adj-values: the scores of a primary, a replica and a process that saves.
using OomScores = std::array<int64_t, 3>;

// A line of a directive that only a configuration file can hold and that a part of the server reads itself:
// "user", "loadmodule", "sentinel". The directive's own name is the first word.
struct FileLine {
  std::vector<std::string> words;
  std::string file;  // empty for the command line
  int line_number = 0;
  bool operator==(const FileLine&) const = default;
};

// "rename-command NAME new-name": an empty new name takes the command away.
struct RenamedCommand {
  std::string name;
  std::string new_name;
  bool operator==(const RenamedCommand&) const = default;
};

}  // namespace hearth::settings
