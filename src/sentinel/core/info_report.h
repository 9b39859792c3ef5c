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

struct InfoReport {
  // More than these lines of replicas are not read.
  static constexpr size_t kMaxReplicas = 1024;

  std::string run_id;
  std::optional<bool> is_primary;  // empty: it does not say
  bool is_loading = false;
  bool has_keys = false;          // a line of a database with keys in it
  bool has_keyspace = false;      // the section is there, so that has_keys can be believed
  std::vector<Address> replicas;  // that it lists

  Address primary;  // a replica's; host is empty if it names none
  bool is_primary_link_up = false;
  int64_t primary_link_down_seconds = 0;
  std::optional<int> priority;
  std::optional<uint64_t> offset;
  std::optional<bool> is_announced;
};

InfoReport ParseInfo(std::string_view text);

}  // namespace hearth::sentinel
