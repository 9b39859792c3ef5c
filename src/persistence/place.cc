#include "persistence/place.h"

#include <utility>

#include <fmt/format.h>

#include "base/numbers.h"

namespace hearth::persistence {
namespace {

constexpr std::string_view kDatabase = "database=";
constexpr std::string_view kAof = "aof=";

using Names = std::vector<log::Segments::Recovered::Name>;

// The index of the name that the history has at `place`; Names::size() if it is another history there. Where
// the id changes, the history has both.
size_t NameAt(const log::Segments::Recovered& kept, const Place& place) {
  if (place.offset < kept.start_offset || place.offset > kept.end_offset) return kept.names.size();
  uint64_t start = kept.start_offset;
  for (size_t i = 0; i < kept.names.size(); ++i) {
    const auto& name = kept.names[i];
    if (place.offset >= start && place.offset <= name.end_offset && place.id == name.id) return i;
    start = name.end_offset;
  }
  return kept.names.size();
}

// The line that begins with `key`, without it.
std::optional<std::string_view> LineOf(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    if (text.starts_with(key)) return text.substr(key.size(), end - key.size());
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

}  // namespace

Restored Restore(const std::optional<Place>& known, const std::optional<log::Segments::Recovered>& kept,
                 bool is_replica, std::string fresh_id) {
  Restored restored;
  if (!known) {
    restored.history.id = std::move(fresh_id);
    return restored;
  }
  restored.offset = known->offset;
  restored.database = known->database;
  restored.is_continued = true;
  const size_t name = kept ? NameAt(*kept, *known) : 0;
  restored.keeps_log = kept && name < kept->names.size();
  restored.history.id = known->id;
  if (is_replica) {
    // It writes nothing of its own, so that what it adds under this id is what its primary has there.
    if (restored.keeps_log && name > 0) {
      restored.history.previous_id = kept->names[name - 1].id;
      restored.history.previous_end = kept->names[name - 1].end_offset;
    }
  } else {
    // Others may have more of that history than this dataset; what is written now is another branch of it.
    restored.history.Rename(std::move(fresh_id), known->offset, known->database);
  }
  return restored;
}

std::string EncodeEndNote(const EndNote& note) {
  std::string text = fmt::format("{}{}\n", kDatabase, note.database);
  if (!note.aof_file.empty()) text += fmt::format("{}{} {}\n", kAof, note.aof_bytes, note.aof_file);
  return text;
}

std::optional<EndNote> DecodeEndNote(std::string_view text) {
  EndNote note;
  const auto database = LineOf(text, kDatabase);
  if (!database) return std::nullopt;
  const auto number = ParseInt64(*database);
  if (!number || *number < -1 || *number > INT32_MAX) return std::nullopt;
  note.database = static_cast<int>(*number);
  if (const auto aof = LineOf(text, kAof)) {
    const size_t blank = aof->find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    const auto bytes = ParseUint64(aof->substr(0, blank));
    if (!bytes) return std::nullopt;
    note.aof_bytes = *bytes;
    note.aof_file = aof->substr(blank + 1);
  }
  return note;
}

}  // namespace hearth::persistence
