// The machine's state as directives of the configuration file, in the words and the order of Redis, and
// back: docs/formats/sentinel.md.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/numbers.h"
#include "base/text.h"
#include "sentinel/core/address.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

constexpr size_t kIdBytes = 40;

bool NeedsQuotes(std::string_view word) {
  return word.empty() || !std::ranges::all_of(word, [](char c) {
           return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\' && c != '#';
         });
}

std::string Line(std::initializer_list<std::string_view> words) {
  std::string line = "sentinel";
  for (const std::string_view word : words)
    line.append(" ").append(NeedsQuotes(word) ? Quote(word) : std::string(word));
  return line;
}

std::optional<bool> ParseYesNo(std::string_view word) {
  if (EqualsIgnoreCase(word, "yes")) return true;
  if (EqualsIgnoreCase(word, "no")) return false;
  return std::nullopt;
}

bool IsSentinelId(std::string_view id) { return id.size() == kIdBytes && IsPlausibleId(id); }

}  // namespace

Status Machine::Load(const std::vector<std::string>& words, Now now) {
  if (words.empty()) return Fail("a directive is missing behind \"sentinel\"");
  std::vector<std::string> lower = words;
  lower[0] = ToLower(words[0]);
  if (lower[0] == "monitor") return LoadMonitor(lower, now);
  static constexpr std::string_view kGlobals[] = {
      "myid",          "current-epoch", "announce-ip",       "announce-port",      "deny-scripts-reconfig",
      "sentinel-user", "sentinel-pass", "resolve-hostnames", "announce-hostnames",
  };
  if (std::ranges::find(kGlobals, lower[0]) != std::end(kGlobals)) return LoadGlobal(lower);
  if (lower.size() < 3) return Fail("Unrecognized sentinel configuration statement.");
  Primary* primary = FindPrimary(lower[1]);
  if (primary == nullptr) return Fail("No such master with specified name.");
  return LoadOfPrimary(*primary, lower, now);
}

Status Machine::LoadGlobal(const std::vector<std::string>& words) {
  if (words.size() != 2) return Fail("Unrecognized sentinel configuration statement.");
  const std::string& name = words[0];
  const std::string& value = words[1];
  if (name == "myid") {
    if (!IsSentinelId(value)) return Fail("Malformed Sentinel id in myid option.");
    my_id_ = value;
    id_is_new_ = false;
  } else if (name == "current-epoch") {
    const auto epoch = ParseEpoch(value);
    if (!epoch) return Fail("the epoch must be a number below 2^62");
    current_epoch_ = std::max(current_epoch_, *epoch);
  } else if (name == "announce-ip") {
    if (!value.empty() && !IsPlausibleHost(value)) return Fail("the address to announce is no address");
    globals_.announce_ip = value;
  } else if (name == "announce-port") {
    const auto port = ParseInt64(value);
    if (!port || *port < 0 || *port > 65535) return Fail("the port to announce must be between 0 and 65535");
    globals_.announce_port = static_cast<int>(*port);
  } else if (name == "sentinel-user") {
    globals_.user = value;
  } else if (name == "sentinel-pass") {
    globals_.password = value;
  } else {
    const auto is_on = ParseYesNo(value);
    if (!is_on) return Fail("Please specify yes or no for the " + name + " option.");
    if (name == "deny-scripts-reconfig") globals_.denies_script_changes = *is_on;
    if (name == "resolve-hostnames") globals_.resolves_names = *is_on;
    if (name == "announce-hostnames") globals_.announces_names = *is_on;
  }
  return {};
}

Status Machine::LoadMonitor(const std::vector<std::string>& words, Now now) {
  if (words.size() != 5) return Fail("Unrecognized sentinel configuration statement.");
  const auto port = ParseInt64(words[3]);
  const auto quorum = ParseInt64(words[4]);
  if (!quorum || *quorum < 1 || *quorum > INT32_MAX) return Fail("Quorum must be 1 or greater.");
  if (!port || *port < 0 || *port > 65535) return Fail("Invalid port number");
  if (FindPrimary(words[1]) != nullptr) return Fail("Duplicate master name.");
  const Address address{words[2], static_cast<int>(*port)};
  if (!CheckAddress(address)) return Fail("Can't resolve instance hostname.");
  Effects none;
  const Turn turn{now.monotonic_ms, now.wall_ms, none};
  AddPrimary(turn, words[1], address, static_cast<int>(*quorum));
  return {};
}

Status Machine::LoadOfPrimary(Primary& primary, const std::vector<std::string>& words, Now now) {
  const std::string& name = words[0];
  const std::string& value = words[2];
  Effects none;
  const Turn turn{now.monotonic_ms, now.wall_ms, none};
  if (name == "config-epoch" || name == "leader-epoch") {
    const auto epoch = ParseEpoch(value);
    if (!epoch || words.size() != 3) return Fail("the epoch must be a number below 2^62");
    (name == "config-epoch" ? primary.config_epoch : primary.leader_epoch) = *epoch;
    current_epoch_ = std::max(current_epoch_, *epoch);
    return {};
  }
  if (name == "known-replica" || name == "known-slave" || name == "known-sentinel") {
    const bool is_sentinel = name == "known-sentinel";
    const auto port = words.size() >= 4 ? ParsePort(words[3]) : std::nullopt;
    const size_t most_words = is_sentinel ? 5 : 4;
    const bool is_address = port && words.size() <= most_words && IsPlausibleHost(value) &&
                            CheckAddress({value, *port}).has_value();
    if (!is_address) {
      return Fail(is_sentinel ? "Wrong hostname or port for sentinel."
                              : "Wrong hostname or port for replica.");
    }
    const Address address{value, *port};
    if (!is_sentinel) {
      AddReplica(turn, primary, address);
    } else if (words.size() == 5) {
      // Before run ids were told apart there was a form without one; such a Sentinel says hello again.
      if (!IsPlausibleId(words[4])) return Fail("Malformed Sentinel id in known-sentinel option.");
      if (words[4] != my_id_) AddSentinel(turn, primary, address, words[4]);
    }
    return {};
  }
  PrimarySettings settings = primary.settings;
  const std::vector<std::string> values(words.begin() + 2, words.end());
  HEARTH_TRY(ChangeSetting(settings, name, values));
  primary.settings = std::move(settings);
  SpreadSettings(primary);
  return {};
}

Status Machine::FinishLoading(Now now, Effects& effects) {
  Turn turn{now.monotonic_ms, now.wall_ms, effects};
  if (id_is_new_) Save(turn);
  id_is_new_ = false;
  for (auto& [name, primary] : primaries_) {
    AskName(turn, primary.instance.address.host);
    for (const auto& [known, replica] : primary.replicas) AskName(turn, replica.address.host);
    for (const auto& [id, sentinel] : primary.sentinels) AskName(turn, sentinel.address.host);
    Tell(turn, primary, primary.instance, Level::kWarning, "+monitor",
         " quorum " + std::to_string(primary.settings.quorum));
  }
  next_wakeup_ms_ = now.monotonic_ms;
  return {};
}

std::vector<std::string> Machine::StateLines() const {
  std::vector<std::string> lines;
  lines.push_back(Line({"myid", my_id_}));
  if (!globals_.denies_script_changes) lines.push_back(Line({"deny-scripts-reconfig", "no"}));
  if (globals_.resolves_names) lines.push_back(Line({"resolve-hostnames", "yes"}));
  if (globals_.announces_names) lines.push_back(Line({"announce-hostnames", "yes"}));
  for (const auto& [name, primary] : primaries_) AddLinesOf(primary, lines);
  lines.push_back(Line({"current-epoch", std::to_string(current_epoch_)}));
  if (!globals_.announce_ip.empty()) lines.push_back(Line({"announce-ip", globals_.announce_ip}));
  if (globals_.announce_port != 0)
    lines.push_back(Line({"announce-port", std::to_string(globals_.announce_port)}));
  if (!globals_.user.empty()) lines.push_back(Line({"sentinel-user", globals_.user}));
  if (!globals_.password.empty()) lines.push_back(Line({"sentinel-pass", globals_.password}));
  return lines;
}

void Machine::AddLinesOf(const Primary& primary, std::vector<std::string>& lines) const {
  const std::string& name = primary.instance.name;
  const PrimarySettings& settings = primary.settings;
  const Address current = *CurrentAddress(name);
  const auto number = [&](std::string_view directive, int64_t value, int64_t standard) {
    if (value != standard) lines.push_back(Line({directive, name, std::to_string(value)}));
  };
  const auto text = [&](std::string_view directive, const std::string& value) {
    if (!value.empty()) lines.push_back(Line({directive, name, value}));
  };
  lines.push_back(
      Line({"monitor", name, current.host, std::to_string(current.port), std::to_string(settings.quorum)}));
  number("down-after-milliseconds", settings.down_after_ms, timing_.default_down_after);
  number("failover-timeout", settings.failover_timeout_ms, timing_.default_failover_timeout);
  number("parallel-syncs", settings.parallel_syncs, 1);
  text("notification-script", settings.notification_script);
  text("client-reconfig-script", settings.client_reconfig_script);
  text("auth-pass", settings.password);
  text("auth-user", settings.user);
  number("master-reboot-down-after-period", settings.reboot_down_after_ms, 0);
  number("refused-down-after-milliseconds", settings.refused_down_after_ms, -1);
  number("forget-after", settings.forget_after_ms, 0);
  number("busy-is-alive-max-ms", settings.busy_is_alive_max_ms, 0);
  if (!settings.promotes_on_empty_primary) lines.push_back(Line({"promote-on-empty-primary", name, "no"}));
  lines.push_back(Line({"config-epoch", name, std::to_string(primary.config_epoch)}));
  lines.push_back(Line({"leader-epoch", name, std::to_string(primary.leader_epoch)}));
  for (const auto& [known, replica] : primary.replicas) {
    // A promoted replica has changed places with the former primary.
    const Address& address = replica.address == current ? primary.instance.address : replica.address;
    lines.push_back(Line({"known-replica", name, address.host, std::to_string(address.port)}));
  }
  for (const auto& [id, sentinel] : primary.sentinels) {
    const Address& address = sentinel.address;
    lines.push_back(Line({"known-sentinel", name, address.host, std::to_string(address.port), id}));
  }
  for (const auto& [command, renamed] : settings.renamed_commands) {
    lines.push_back(Line({"rename-command", name, command, renamed}));
  }
}

}  // namespace hearth::sentinel
