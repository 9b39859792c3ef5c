#include "sentinel/core/info_report.h"

#include <algorithm>

#include "base/numbers.h"
#include "sentinel/core/address.h"

namespace hearth::sentinel {
namespace {

constexpr int64_t kMaxLinkDownSeconds = int64_t{1} << 40;

// The name and the value of a line; no name if the line has no colon.
struct Field {
  std::string_view name;
  std::string_view value;
};

Field SplitField(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  return {line.substr(0, colon), line.substr(colon + 1)};
}

bool IsNumbered(std::string_view name, std::string_view word) {
  return name.size() > word.size() && name.starts_with(word) &&
         std::ranges::all_of(name.substr(word.size()), [](char c) { return c >= '0' && c <= '9'; });
}

// "ip=127.0.0.1,port=6380,state=online,..." and, before Redis 2.8, "127.0.0.1,6380,online".
std::optional<Address> ParseReplica(std::string_view value) {
  std::string_view host;
  std::string_view port;
  for (int index = 0; !value.empty(); ++index) {
    const size_t comma = value.find(',');
    const std::string_view part = value.substr(0, comma);
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    if (part.starts_with("ip=")) {
      host = part.substr(3);
    } else if (part.starts_with("port=")) {
      port = part.substr(5);
    } else if (part.find('=') == std::string_view::npos && index < 2) {
      (index == 0 ? host : port) = part;
    }
  }
  const auto number = ParsePort(port);
  if (!number || !IsPlausibleHost(host)) return std::nullopt;
  return Address{std::string(host), *number};
}

// "127.0.0.1:6380@<identity>"
std::optional<AcksReport::Member> ParseMember(std::string_view text) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view address = text.substr(0, at);
  const std::string_view identity = text.substr(at + 1);
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || !IsPlausibleId(identity)) return std::nullopt;
  const auto port = ParsePort(address.substr(colon + 1));
  if (!port || !IsPlausibleHost(address.substr(0, colon))) return std::nullopt;
  return AcksReport::Member{{std::string(address.substr(0, colon)), *port}, std::string(identity)};
}

// Takes the text up to `end` away from its front.
std::string_view TakeUpTo(std::string_view& text, char end) {
  const size_t at = text.find(end);
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return word;
}

bool TakeMembers(std::string_view text, AcksReport& acks) {
  while (!text.empty()) {
    auto member = ParseMember(TakeUpTo(text, '|'));
    if (!member || acks.members.size() >= AcksReport::kMaxMembers) return false;
    acks.members.push_back(*std::move(member));
  }
  return true;
}

// "epoch=1,version=2,history=<id>,required=1,members=127.0.0.1:6380@<identity>|..."; nothing if it is not
// well formed: of a set that is not understood no member is to be left out.
std::optional<AcksReport> ParseAcks(std::string_view text) {
  AcksReport acks;
  while (!text.empty()) {
    std::string_view value = TakeUpTo(text, ',');
    const std::string_view name = TakeUpTo(value, '=');
    if (name == "members") {
      if (!TakeMembers(value, acks)) return std::nullopt;
    } else if (name == "history") {
      if (!IsPlausibleId(value)) return std::nullopt;
      acks.history = value;
    } else if (const auto number = ParseEpoch(value)) {
      if (name == "epoch") acks.epoch = *number;
      if (name == "version") acks.version = *number;
      if (name == "required") acks.required = *number;
    } else {
      return std::nullopt;
    }
  }
  return acks;
}

void TakeHearthField(const Field& field, InfoReport& report) {
  const auto& [name, value] = field;
  if (name == "hearth_version") {
    report.is_hearth = true;
  } else if (name == "master_replid") {
    if (IsPlausibleId(value)) report.history = value;
  } else if (name == "master_replid2") {
    if (IsPlausibleId(value)) report.former_history = value;
  } else if (name == "acks_identity") {
    if (IsPlausibleId(value)) report.identity = value;
  } else if (name == "acks_epoch") {
    report.epoch = ParseEpoch(value).value_or(0);
  } else if (name == "fenced_epoch") {
    report.fenced_epoch = ParseEpoch(value).value_or(0);
  } else if (name == "acks_uncertain") {
    report.is_uncertain = true;
  } else if (name == "acks_set") {
    if (auto acks = ParseAcks(value)) report.acks = *std::move(acks);
  }
}

void TakeNumber(std::string_view value, InfoReport& report, std::string_view name) {
  const auto number = ParseInt64(value);
  if (!number) return;
  if (name == "slave_priority") {
    report.priority = static_cast<int>(std::clamp<int64_t>(*number, 0, INT32_MAX));
  } else if (name == "slave_repl_offset") {
    if (*number >= 0) report.offset = static_cast<uint64_t>(*number);
  } else if (name == "replica_announced") {
    report.is_announced = *number != 0;
  } else if (name == "master_link_down_since_seconds") {
    report.primary_link_down_seconds = std::clamp<int64_t>(*number, 0, kMaxLinkDownSeconds);
  } else if (name == "loading") {
    report.is_loading = *number != 0;
  } else if (name == "rdb_last_load_keys_loaded") {
    report.loaded_keys = *number;
  } else if (name == "aof_enabled") {
    report.is_aof_enabled = *number != 0;
  } else if (name == "probing_clients") {
    report.answers_probes = true;
  }
}

void TakeField(const Field& field, InfoReport& report) {
  const auto& [name, value] = field;
  if (name == "run_id") {
    if (IsPlausibleId(value)) report.run_id = value;
  } else if (name == "role") {
    if (value == "master") report.is_primary = true;
    if (value == "slave") report.is_primary = false;
  } else if (name == "master_host") {
    if (IsPlausibleHost(value)) report.primary.host = value;
  } else if (name == "master_port") {
    report.primary.port = ParsePort(value).value_or(0);
  } else if (name == "master_link_status") {
    report.is_primary_link_up = value == "up";
  } else if (IsNumbered(name, "slave")) {
    if (report.replicas.size() >= InfoReport::kMaxReplicas) return;
    if (auto address = ParseReplica(value)) report.replicas.push_back(*std::move(address));
  } else if (IsNumbered(name, "db")) {
    // An empty database has no line in servers that we know; one that says so is empty all the same.
    if (value.starts_with("keys=") && !value.starts_with("keys=0,")) report.has_keys = true;
  } else {
    TakeHearthField(field, report);
    TakeNumber(value, report, name);
  }
}

}  // namespace

InfoReport ParseInfo(std::string_view text) {
  InfoReport report;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == "# Keyspace") report.has_keyspace = true;
    TakeField(SplitField(line), report);
  }
  if (report.primary.port == 0 || report.primary.host.empty()) report.primary = {};
  return report;
}

}  // namespace hearth::sentinel
