// The settings of primaries, of the Sentinel as a whole, and of its periods: changed by requests and by the
// file.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/numbers.h"
#include "base/text.h"
#include "sentinel/core/address.h"
#include "sentinel/core/machine.h"

namespace hearth::sentinel {
namespace {

// A year: what is longer is a mistake, and sums of times must not overflow.
constexpr int64_t kMaxPeriodMs = int64_t{365} * 24 * 3600 * 1000;

struct Period {
  const char* name;
  int64_t Timing::* member;
};

constexpr std::array kPeriods = {
    Period{"info-period", &Timing::info_period},
    Period{"ping-period", &Timing::ping_period},
    Period{"ask-period", &Timing::ask_period},
    Period{"publish-period", &Timing::publish_period},
    Period{"default-down-after", &Timing::default_down_after},
    Period{"default-failover-timeout", &Timing::default_failover_timeout},
    Period{"tilt-trigger", &Timing::tilt_trigger},
    Period{"tilt-period", &Timing::tilt_period},
    Period{"slave-reconf-timeout", &Timing::replica_reconf_timeout},
    Period{"min-link-reconnect-period", &Timing::min_link_reconnect_period},
    Period{"election-timeout", &Timing::election_timeout},
    Period{"script-max-runtime", &Timing::script_max_runtime},
    Period{"script-retry-delay", &Timing::script_retry_delay},
};

struct NumberSetting {
  const char* name;
  int64_t PrimarySettings::* member;
  int64_t least;
};

constexpr std::array kNumberSettings = {
    NumberSetting{"down-after-milliseconds", &PrimarySettings::down_after_ms, 1},
    NumberSetting{"failover-timeout", &PrimarySettings::failover_timeout_ms, 1},
    NumberSetting{"master-reboot-down-after-period", &PrimarySettings::reboot_down_after_ms, 0},
    NumberSetting{"primary-reboot-down-after-period", &PrimarySettings::reboot_down_after_ms, 0},
    NumberSetting{"refused-down-after-milliseconds", &PrimarySettings::refused_down_after_ms, -1},
    NumberSetting{"forget-after", &PrimarySettings::forget_after_ms, 0},
    NumberSetting{"busy-is-alive-max-ms", &PrimarySettings::busy_is_alive_max_ms, 0},
};

struct TextSetting {
  const char* name;
  std::string PrimarySettings::* member;
};

constexpr std::array kTextSettings = {
    TextSetting{"notification-script", &PrimarySettings::notification_script},
    TextSetting{"client-reconfig-script", &PrimarySettings::client_reconfig_script},
    TextSetting{"auth-pass", &PrimarySettings::password},
    TextSetting{"auth-user", &PrimarySettings::user},
};

// How many values the option takes; 0 if there is no such option.
size_t ValuesOf(std::string_view option) {
  if (option == "rename-command") return 2;
  if (option == "quorum" || option == "parallel-syncs" || option == "promote-on-empty-primary") return 1;
  const auto is_named = [&](const auto& setting) { return setting.name == option; };
  return std::ranges::any_of(kNumberSettings, is_named) || std::ranges::any_of(kTextSettings, is_named) ? 1
                                                                                                        : 0;
}

bool IsScript(std::string_view option) {
  return option == "notification-script" || option == "client-reconfig-script";
}

bool ChangeSmallNumber(int& number, std::string_view value) {
  const auto parsed = ParseInt64(value);
  if (!parsed || *parsed < 1 || *parsed > INT32_MAX) return false;
  number = static_cast<int>(*parsed);
  return true;
}

bool ChangeRenamedCommand(PrimarySettings& settings, const std::string& command, const std::string& renamed) {
  if (command.empty() || renamed.empty()) return false;
  const std::string key = ToLower(command);
  if (EqualsIgnoreCase(command, renamed)) {
    settings.renamed_commands.erase(key);
  } else {
    settings.renamed_commands[key] = renamed;
  }
  return true;
}

// False if the value does not suit the option.
bool Change(PrimarySettings& settings, std::string_view option, const std::vector<std::string>& values) {
  if (option == "rename-command") return ChangeRenamedCommand(settings, values[0], values[1]);
  if (option == "quorum") return ChangeSmallNumber(settings.quorum, values[0]);
  if (option == "parallel-syncs") return ChangeSmallNumber(settings.parallel_syncs, values[0]);
  if (option == "promote-on-empty-primary") {
    const std::string word = ToLower(values[0]);
    settings.promotes_on_empty_primary = word == "yes";
    return word == "yes" || word == "no";
  }
  for (const NumberSetting& number : kNumberSettings) {
    if (number.name != option) continue;
    const auto parsed = ParseInt64(values[0]);
    if (!parsed || *parsed < number.least || *parsed > kMaxPeriodMs) return false;
    settings.*number.member = *parsed;
    return true;
  }
  for (const TextSetting& text : kTextSettings) {
    if (text.name != option) continue;
    settings.*text.member = values[0];
    return true;
  }
  return false;
}

Error BadOption(std::string_view request, std::string_view option) {
  return {"ERR Unknown option or number of arguments for SENTINEL " + std::string(request) + " '" +
          std::string(option) + "'"};
}

Error BadValue(std::string_view request, std::string_view value, std::string_view option) {
  return {"ERR Invalid argument '" + std::string(value) + "' for SENTINEL " + std::string(request) + " '" +
          std::string(option) + "'"};
}

}  // namespace

Status Machine::ChangeSetting(PrimarySettings& settings, const std::string& option,
                              const std::vector<std::string>& values) const {
  if (ValuesOf(option) == 0 || values.size() != ValuesOf(option)) {
    return Fail("Unrecognized sentinel configuration statement.");
  }
  if (!Change(settings, option, values)) return Fail("the value of " + option + " is not possible");
  return {};
}

void Machine::SpreadSettings(Primary& primary) {
  primary.instance.down_after_ms = primary.settings.down_after_ms;
  for (auto& [name, replica] : primary.replicas) replica.down_after_ms = primary.settings.down_after_ms;
  for (auto& [id, sentinel] : primary.sentinels) sentinel.down_after_ms = primary.settings.down_after_ms;
  // There may be another password to try.
  primary.instance.link->skips_auth = false;
  for (auto& [name, replica] : primary.replicas) replica.link->skips_auth = false;
}

Status Machine::Set(Now now, std::string_view name, const std::vector<std::string>& words, Effects& effects) {
  Primary* primary = FindPrimary(name);
  if (primary == nullptr) return Fail("ERR No such master with that name");
  PrimarySettings settings = primary->settings;
  std::vector<std::string> told;
  for (size_t at = 0; at < words.size();) {
    const std::string option = ToLower(words[at]);
    const size_t count = ValuesOf(option);
    if (count == 0 || words.size() - at - 1 < count) return std::unexpected(BadOption("SET", words[at]));
    const std::vector<std::string> values(words.begin() + static_cast<ptrdiff_t>(at) + 1,
                                          words.begin() + static_cast<ptrdiff_t>(at + count) + 1);
    if (IsScript(option) && globals_.denies_script_changes) {
      return Fail(
          "ERR Reconfiguration of scripts path is denied for security reasons. Check the "
          "deny-scripts-reconfig configuration directive in your Sentinel configuration");
    }
    if (!Change(settings, option, values)) return std::unexpected(BadValue("SET", values.back(), words[at]));
    std::string text = " " + option;
    for (const std::string& value : values) text += " " + (option == "auth-pass" ? "******" : value);
    told.push_back(std::move(text));
    at += count + 1;
  }
  Turn turn = Begin(now, effects);
  primary->settings = std::move(settings);
  SpreadSettings(*primary);
  Save(turn);
  for (const std::string& text : told) Tell(turn, *primary, primary->instance, Level::kWarning, "+set", text);
  End(turn);
  return {};
}

bool Machine::ChangeGlobal(Globals& globals, std::string_view option, const std::string& value) {
  const auto change_flag = [&](bool& flag) {
    const std::string word = ToLower(value);
    flag = word == "yes";
    return word == "yes" || word == "no";
  };
  if (option == "resolve-hostnames") return change_flag(globals.resolves_names);
  if (option == "announce-hostnames") return change_flag(globals.announces_names);
  if (option == "announce-port") {
    const auto port = ParseInt64(value);
    if (!port || *port < 0 || *port > 65535) return false;
    globals.announce_port = static_cast<int>(*port);
    return true;
  }
  if (option == "announce-ip") {
    globals.announce_ip = value;
    return value.empty() || IsPlausibleHost(value);
  }
  (option == "sentinel-user" ? globals.user : globals.password) = value;
  return true;
}

Status Machine::SetGlobals(Now now, const std::vector<std::string>& words, Effects& effects) {
  static constexpr std::string_view kOptions[] = {"resolve-hostnames", "announce-hostnames", "announce-ip",
                                                  "announce-port",     "sentinel-user",      "sentinel-pass"};
  Globals globals = globals_;
  std::set<std::string> seen;
  bool changes_login = false;
  for (size_t at = 0; at < words.size(); at += 2) {
    const std::string option = ToLower(words[at]);
    const auto fail = [&](std::string_view begin, std::string_view end) {
      return Fail("ERR " + std::string(begin) + " '" + words[at] + "' " + std::string(end));
    };
    if (std::ranges::find(kOptions, option) == std::end(kOptions)) {
      return fail("Invalid argument", "to SENTINEL CONFIG SET");
    }
    if (!seen.insert(option).second) return fail("Duplicate argument", "to SENTINEL CONFIG SET");
    if (at + 1 >= words.size()) return fail("Missing argument", "value");
    if (!ChangeGlobal(globals, option, words[at + 1])) {
      return Fail("ERR Invalid value '" + words[at + 1] + "' to SENTINEL CONFIG SET '" + words[at] + "'");
    }
    changes_login = changes_login || option.starts_with("sentinel-");
  }
  Turn turn = Begin(now, effects);
  globals_ = std::move(globals);
  Save(turn);
  if (changes_login) {
    for (auto& [name, primary] : primaries_) {
      for (auto& [id, sentinel] : primary.sentinels) {
        sentinel.link->skips_auth = false;
        CloseLink(turn, *sentinel.link, false);
      }
    }
  }
  End(turn);
  return {};
}

std::vector<std::pair<std::string, std::string>> Machine::GetGlobals(std::string_view pattern) const {
  const auto word = [](bool is_on) { return std::string(is_on ? "yes" : "no"); };
  std::vector<std::pair<std::string, std::string>> all = {
      {"resolve-hostnames", word(globals_.resolves_names)},
      {"announce-hostnames", word(globals_.announces_names)},
      {"announce-ip", globals_.announce_ip},
      {"announce-port", std::to_string(globals_.announce_port)},
      {"sentinel-user", globals_.user},
      {"sentinel-pass", globals_.password},
  };
  std::erase_if(all, [&](const auto& option) { return !GlobMatch(pattern, option.first, true); });
  return all;
}

Status Machine::SetTiming(const std::vector<std::string>& words) {
  Timing timing = timing_;
  for (size_t at = 0; at < words.size(); at += 2) {
    const std::string name = ToLower(words[at]);
    const auto period =
        std::ranges::find_if(kPeriods, [&](const Period& known) { return known.name == name; });
    if (period == kPeriods.end() || at + 1 >= words.size())
      return std::unexpected(BadOption("DEBUG", words[at]));
    const auto value = ParseInt64(words[at + 1]);
    if (!value || *value < 1 || *value > kMaxPeriodMs) {
      return std::unexpected(BadValue("DEBUG", words[at + 1], words[at]));
    }
    timing.*(period->member) = *value;
  }
  timing_ = timing;
  return {};
}

std::vector<std::pair<std::string, std::string>> Machine::GetTiming() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Period& period : kPeriods)
    all.emplace_back(ToUpper(period.name), std::to_string(timing_.*period.member));
  return all;
}

}  // namespace hearth::sentinel
