// What can be set of a Sentinel beside its primaries (theirs stands in instance.h). Plain data that the
// machine keeps.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::sentinel {

// The periods that SENTINEL DEBUG can change, in milliseconds.
struct Timing {
  int64_t info_period = 10'000;
  int64_t ping_period = 1'000;
  int64_t ask_period = 1'000;
  int64_t publish_period = 2'000;
  int64_t default_down_after = 30'000;
  int64_t default_failover_timeout = 180'000;
  int64_t tilt_trigger = 2'000;
  int64_t tilt_period = 30'000;
  int64_t replica_reconf_timeout = 10'000;
  int64_t min_link_reconnect_period = 15'000;
  int64_t election_timeout = 10'000;
  int64_t script_max_runtime = 60'000;
  int64_t script_retry_delay = 30'000;
  int64_t max_desync = 1'000;
};

// What holds for the Sentinel as a whole.
struct Globals {
  std::string announce_ip;  // empty: our end of the link
  int announce_port = 0;    // 0: our port
  bool resolves_names = false;
  bool announces_names = false;
  bool denies_script_changes = true;
  std::string user;          // to log in to other Sentinels
  std::string password;      // else `own_password`
  std::string own_password;  // requirepass
  int port = 26379;
};

}  // namespace hearth::sentinel
