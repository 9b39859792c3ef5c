#include "persistence/place.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/numbers.h"

namespace hearth::persistence {
namespace {

constexpr std::string_view kDatabase = "database=";
constexpr std::string_view kFormer = "former=";
constexpr std::string_view kAof = "aof=";

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

// The next line, without its end, taken from the front of `text`; nullopt if there is no whole one.
std::optional<std::string_view> TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::string_view TakeWord(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

std::optional<int> DatabaseIn(std::string_view text) {
  const auto number = ParseInt64(text);
  if (!number || *number < -1 || *number > INT32_MAX) return std::nullopt;
  return static_cast<int>(*number);
}

// What `kept` says of the names before that of `index`, the last one first. An orderly end knows more of them
// than the segments, which say no database, and nothing of a name under which nothing was written.
std::vector<replication::FormerName> NamesBefore(const log::Segments::Recovered& kept, size_t index) {
  if (kept.is_complete && index + 1 == kept.names.size()) {
    if (auto note = DecodeEndNote(kept.end_note)) return std::move(note->former);
  }
  std::vector<replication::FormerName> former;
  while (index > 0 && former.size() < replication::History::kMaxFormerNames) {
    const auto& name = kept.names[--index];
    former.push_back({name.id, name.end_offset});
  }
  return former;
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
  if (restored.keeps_log) restored.history.former = NamesBefore(*kept, name);
  // A replica writes nothing of its own, so that what it adds under this id is what its primary has there. Of
  // a primary's history others may have more than this dataset; what it writes now is another branch of it.
  if (!is_replica) restored.history.Rename(std::move(fresh_id), known->offset, known->database);
  return restored;
}

std::string EncodeEndNote(const EndNote& note) {
  std::string text = fmt::format("{}{}\n", kDatabase, note.database);
  for (const replication::FormerName& name : note.former) {
    text += fmt::format("{}{} {} {}\n", kFormer, name.id, name.end, name.database);
  }
  if (!note.aof_file.empty()) text += fmt::format("{}{} {}\n", kAof, note.aof_bytes, note.aof_file);
  return text;
}

std::optional<EndNote> DecodeEndNote(std::string_view text) {
  EndNote note;
  bool has_database = false;
  while (auto line = TakeLine(text)) {
    if (line->starts_with(kDatabase)) {
      const auto database = DatabaseIn(line->substr(kDatabase.size()));
      if (!database) return std::nullopt;
      note.database = *database;
      has_database = true;
    } else if (line->starts_with(kFormer)) {
      line->remove_prefix(kFormer.size());
      const std::string_view id = TakeWord(*line);
      const auto end = ParseUint64(TakeWord(*line));
      const auto database = DatabaseIn(*line);
      if (id.size() != replication::kIdDigits || !end || !database) return std::nullopt;
      note.former.push_back({std::string(id), *end, *database});
    } else if (line->starts_with(kAof)) {
      line->remove_prefix(kAof.size());
      if (line->find(' ') == std::string_view::npos) return std::nullopt;
      const auto bytes = ParseUint64(TakeWord(*line));
      if (!bytes) return std::nullopt;
      note.aof_bytes = *bytes;
      note.aof_file = *line;
    }
  }
  if (!has_database || note.former.size() > replication::History::kMaxFormerNames) return std::nullopt;
  return note;
}

}  // namespace hearth::persistence
