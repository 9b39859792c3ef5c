#include "replication/core/promise_memory.h"

#include <utility>

#include <fmt/format.h>

#include "base/crc64.h"
#include "base/numbers.h"

namespace hearth::replication {
namespace {

constexpr std::string_view kTitle = "hearth-promises 1";
constexpr std::string_view kCrc = "crc64=";

std::string CrcLine(std::string_view lines) { return fmt::format("{}{:016x}\n", kCrc, Crc64(0, lines)); }

bool TakeEpoch(std::string_view value, uint64_t& epoch) {
  const auto number = ParseUint64(value);
  if (!number || *number > AcksSet::kMaxEpoch) return false;
  epoch = *number;
  return true;
}

bool TakeEnd(std::string_view value, PromiseMemory& memory) {
  const size_t colon = value.find(':');
  if (colon != kIdDigits) return false;
  const auto offset = ParseUint64(value.substr(colon + 1));
  if (!offset) return false;
  memory.end = {.history = std::string(value.substr(0, colon)), .offset = *offset};
  return true;
}

bool TakeLine(std::string_view line, PromiseMemory& memory) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, equals);
  const std::string_view value = line.substr(equals + 1);
  if (name == "epoch") return TakeEpoch(value, memory.epoch);
  if (name == "fenced") return TakeEpoch(value, memory.fenced_epoch);
  if (name == "ended") return TakeEnd(value, memory);
  if (name == "synced") {
    memory.is_synced = value == "yes";
    return memory.is_synced || value == "no";
  }
  if (name != "set" || memory.records.size() > AcksSet::kMaxOlderSets + 1) return false;
  auto record = ParseAcksRecord(value);
  if (!record) return false;
  memory.records.push_back(*std::move(record));
  return true;
}

}  // namespace

std::string FormatPromiseMemory(const PromiseMemory& memory) {
  std::string text(kTitle);
  text += "\nepoch=" + std::to_string(memory.epoch) + "\nfenced=" + std::to_string(memory.fenced_epoch) +
          "\nsynced=" + (memory.is_synced ? "yes" : "no") + "\n";
  if (memory.end) text += "ended=" + memory.end->history + ":" + std::to_string(memory.end->offset) + "\n";
  for (const AcksRecord& record : memory.records) text += "set=" + FormatAcksRecord(record) + "\n";
  return text + CrcLine(text);
}

std::optional<PromiseMemory> ParsePromiseMemory(std::string_view text) {
  const size_t crc = text.rfind(kCrc);
  if (crc == std::string_view::npos) return std::nullopt;
  const std::string_view lines = text.substr(0, crc);
  if (text.substr(crc) != CrcLine(lines)) return std::nullopt;
  PromiseMemory memory;
  bool is_first = true;
  for (std::string_view rest = lines; !rest.empty();) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (std::exchange(is_first, false) ? line != kTitle : !TakeLine(line, memory)) return std::nullopt;
  }
  return memory;
}

}  // namespace hearth::replication
