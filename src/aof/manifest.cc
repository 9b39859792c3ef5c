#include "aof/manifest.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/text.h"

namespace hearth::aof {
namespace {

constexpr std::string_view kBadFormat = "Invalid AOF manifest file format";
// So that there is always a next one.
constexpr int64_t kMaxSequence = INT64_MAX / 2;
constexpr std::string_view kBlanks = " \t\r\n";

std::string_view Trim(std::string_view line) {
  const size_t start = line.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return line.substr(start, line.find_last_not_of(kBlanks) - start + 1);
}

bool NeedsQuotes(std::string_view name) {
  return name.empty() || std::any_of(name.begin(), name.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte <= ' ' || byte >= 127 || c == '"' || c == '\'' || c == '\\';
         });
}

void FormatLine(std::string& to, const ManifestFile& file, char type) {
  const std::string name = NeedsQuotes(file.name) ? Quote(file.name) : file.name;
  to += fmt::format("file {} seq {} type {}\n", name, file.sequence, type);
}

}  // namespace

Result<Manifest> Manifest::Parse(std::string_view text) {
  Manifest manifest;
  if (text.empty()) return Fail("Found an empty AOF manifest");
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    std::string_view message;
    // An unfinished last line would be a torn write, or a longer line than anybody writes.
    if (end == std::string_view::npos || line.size() >= kMaxLineBytes) {
      line = line.substr(0, kMaxLineBytes);
      message = "The AOF manifest file contains too long line";
    } else if (!line.starts_with('#')) {
      message = manifest.AddLine(Trim(line));
    }
    if (!message.empty()) return Fail(fmt::format("{}, at line {}: {}", message, number, Quote(line)));
    text.remove_prefix(end + 1);
  }
  return manifest;
}

std::string_view Manifest::AddLine(std::string_view line) {
  const auto words = SplitArguments(line);
  if (!words || words->size() < 6 || words->size() % 2 != 0) return kBadFormat;
  ManifestFile file;
  char type = 0;
  for (size_t i = 0; i < words->size(); i += 2) {
    const std::string& value = (*words)[i + 1];
    if (EqualsIgnoreCase((*words)[i], "file")) {
      if (value.find('/') != std::string::npos) return "File can't be a path, just a filename";
      file.name = value;
    } else if (EqualsIgnoreCase((*words)[i], "seq")) {
      file.sequence = ParseInt64(value).value_or(0);
    } else if (EqualsIgnoreCase((*words)[i], "type")) {
      type = value.size() == 1 ? value[0] : '?';
    }
  }
  const bool is_name = !file.name.empty() && file.name != "." && file.name != ".." &&
                       file.name.find('\0') == std::string::npos;
  if (!is_name || file.sequence <= 0 || file.sequence > kMaxSequence || type == 0) return kBadFormat;
  return AddFile(std::move(file), type);
}

std::string_view Manifest::AddFile(ManifestFile file, char type) {
  switch (type) {
    case 'b':
      if (base_) return "Found duplicate base file information";
      last_base_sequence_ = file.sequence;
      base_ = std::move(file);
      return {};
    case 'h':
      history_.push_back(std::move(file));
      return {};
    case 'i':
      if (file.sequence <= last_increment_sequence_) return "Found a non-monotonic sequence number";
      last_increment_sequence_ = file.sequence;
      increments_.push_back(std::move(file));
      return {};
    default:
      return "Unknown AOF file type";
  }
}

std::string Manifest::Format() const {
  std::string text;
  if (base_) FormatLine(text, *base_, 'b');
  for (const ManifestFile& file : history_) FormatLine(text, file, 'h');
  for (const ManifestFile& file : increments_) FormatLine(text, file, 'i');
  return text;
}

std::string Manifest::AddIncrement(std::string_view append_filename) {
  const int64_t sequence = ++last_increment_sequence_;
  increments_.push_back({fmt::format("{}.{}.incr.aof", append_filename, sequence), sequence});
  return increments_.back().name;
}

std::string Manifest::ReplaceBase(std::string_view append_filename, bool is_rdb) {
  if (base_) history_.push_back(*std::move(base_));
  const int64_t sequence = ++last_base_sequence_;
  base_ = {fmt::format("{}.{}.base.{}", append_filename, sequence, is_rdb ? "rdb" : "aof"), sequence};
  while (increments_.size() > 1) {
    history_.push_back(std::move(increments_.front()));
    increments_.erase(increments_.begin());
  }
  return base_->name;
}

void Manifest::SetOldBase(std::string_view append_filename) {
  last_base_sequence_ = 1;
  base_ = {std::string(append_filename), 1};
}

std::string ManifestName(std::string_view append_filename) {
  return fmt::format("{}.manifest", append_filename);
}

std::string TemporaryManifestName(std::string_view append_filename) {
  return fmt::format("temp-{}.manifest", append_filename);
}

std::string TemporaryIncrementName(std::string_view append_filename) {
  return fmt::format("temp-{}.incr", append_filename);
}

}  // namespace hearth::aof
