// What a Sentinel reads of the INFO of a primary or a replica. The text is a stranger's: what is not
// understood is left out, and nothing in it is believed further than its form goes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sentinel/core/messages.h"

namespace hearth::sentinel {

// The set of replicas that may have acknowledged promised writes: the `acks_set` of a Hearth server
// (docs/formats/replication.md).
struct AcksReport {
  static constexpr size_t kMaxMembers = 1024;
  struct Member {
    Address address;
    std::string identity;  // of its process
  };

  uint64_t epoch = 0;
  uint64_t version = 0;
  std::string history;
  uint64_t required = 0;  // so many of them have a promised write; 0: there are none
  std::vector<Member> members;

  bool is_used() const { return required > 0; }
  // So many of them must say where they are, before one can be sure to have every promised write.
  uint64_t needed() const { return required > members.size() ? 1 : members.size() - required + 1; }
  bool IsNewerThan(const AcksReport& other) const {
    return epoch != other.epoch ? epoch > other.epoch : version > other.version;
  }
};

struct InfoReport {
  // More than these lines of replicas are not read.
  static constexpr size_t kMaxReplicas = 1024;

  std::string run_id;
  std::optional<bool> is_primary;  // empty: it does not say
  bool is_loading = false;
  bool answers_probes = false;         // it counts those who probe it
  bool has_keys = false;               // a line of a database with keys in it
  bool has_keyspace = false;           // the section is there, so that has_keys can be believed
  std::optional<int64_t> loaded_keys;  // when a file or a primary's dataset was last read
  std::optional<bool> is_aof_enabled;
  std::vector<Address> replicas;  // that it lists
  std::string history;            // its replication id

  Address primary;  // a replica's; host is empty if it names none
  bool is_primary_link_up = false;
  int64_t primary_link_down_seconds = 0;
  std::optional<int> priority;
  std::optional<uint64_t> offset;
  std::optional<bool> is_announced;

  std::string former_history;  // that it goes on from

  // Of Hearth servers alone.
  bool is_hearth = false;
  std::string identity;  // of its process, among those that acknowledge
  uint64_t epoch = 0;    // that it has heard of
  uint64_t fenced_epoch = 0;
  bool is_uncertain = false;  // a primary that may lack what was promised, and waits to be told what to be
  AcksReport acks;

  // Its process began with nothing, and has what came since. Files of commands are not counted.
  bool has_loaded_nothing() const { return loaded_keys == 0 && is_aof_enabled == false; }
};

InfoReport ParseInfo(std::string_view text);

}  // namespace hearth::sentinel
