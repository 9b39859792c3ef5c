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
