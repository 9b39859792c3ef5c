#include "sentinel/state_file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"

namespace hearth::sentinel {
namespace {

constexpr std::string_view kHeader =
    "# The state of a Sentinel whose configuration file cannot be written. Remove this file to start from "
    "the\n"
    "# configuration alone.\n";

// In which order lines are loaded, wherever they stand: what holds for the whole Sentinel, which has a value
// and no primary's name, then the primaries, then what is said of them.
int PhaseOf(const settings::FileLine& line) {
  if (line.words.size() > 1 && EqualsIgnoreCase(line.words[1], "monitor")) return 1;
  return line.words.size() <= 3 ? 0 : 2;
}

std::string TextOf(const settings::FileLine& line) {
  std::string text;
  for (const std::string& word : line.words) {
    const bool is_plain = !word.empty() && word.find_first_of(" \t\"'\\") == std::string::npos;
    text += (text.empty() ? "" : " ") + (is_plain ? word : Quote(word));
  }
  return text;
}

Result<std::vector<settings::FileLine>> ParseLines(const std::string& path, std::string_view text) {
  std::vector<settings::FileLine> lines;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line[0] == '#') continue;
    auto words = SplitArguments(line);
    if (!words || words->empty() || !EqualsIgnoreCase(words->front(), "sentinel")) {
      return Fail(settings::LineErrorText(path, number, line, "this is no state of a Sentinel"));
    }
    lines.push_back({std::move(*words), path, number});
  }
  return lines;
}

}  // namespace

StateFile::StateFile(settings::Configuration& configuration, env::Disk& disk, Logger& log)
    : configuration_(configuration), disk_(disk), log_(log) {
  configuration_.ProvideLines("sentinel", [this] { return lines_; });
}

std::vector<std::string> StateFile::SeparatePaths() const {
  const std::string& file = configuration_.file();
  std::string beside = file + ".state";
  std::string in_folder = configuration_.settings().dir + "/" + file.substr(file.rfind('/') + 1) + ".state";
  if (in_folder == beside) return {std::move(beside)};
  return {std::move(beside), std::move(in_folder)};
}

// Of two files the newer counts: the other one is from a time when that place could still be written.
Result<std::vector<settings::FileLine>> StateFile::LinesToLoad() {
  std::string newest;
  int64_t modified_seconds = -1;
  for (const std::string& path : SeparatePaths()) {
    const auto info = disk_.Stat(path);
    if (!info || !*info || (*info)->modified_seconds < modified_seconds) continue;
    newest = path;
    modified_seconds = (*info)->modified_seconds;
  }
  if (newest.empty()) return configuration_.settings().sentinel_lines;
  log_.Warning("The state is taken from {}, and the lines 'sentinel ...' of {} do not count", newest,
               configuration_.file());
  const Result<std::string> text = env::ReadWholeFile(disk_, newest);
  if (!text) return std::unexpected(text.error());
  return ParseLines(newest, *text);
}

Result<std::unique_ptr<Machine>> StateFile::Load(Machine::Options options, Now now) {
  Result<std::vector<settings::FileLine>> lines = LinesToLoad();
  if (!lines) return std::unexpected(lines.error());
  std::stable_sort(lines->begin(), lines->end(),
                   [](const auto& a, const auto& b) { return PhaseOf(a) < PhaseOf(b); });
  auto machine = std::make_unique<Machine>(std::move(options), now);
  for (const settings::FileLine& line : *lines) {
    const std::vector<std::string> words(line.words.begin() + 1, line.words.end());
    if (const Status status = machine->Load(words, now); !status) {
      return Fail(settings::LineErrorText(line.file, line.line_number, TextOf(line), status.error().message));
    }
  }
  return machine;
}

Status StateFile::SaveInConfiguration() {
  // A file that must not be written could still be replaced: that would not be what its owner wanted.
  if (auto file = disk_.Open(configuration_.file(), env::OpenMode::kAppend); !file) {
    return std::unexpected(file.error());
  }
  return configuration_.Rewrite();
}

Status StateFile::SaveBeside() {
  std::string text(kHeader);
  for (const std::string& line : lines_) text += line + '\n';
  if (!separate_path_.empty()) return env::ReplaceFile(disk_, separate_path_, text);
  Status status = Fail("nowhere to put the state", ENOENT);
  for (const std::string& path : SeparatePaths()) {
    status = env::ReplaceFile(disk_, path, text);
    if (!status) continue;
    separate_path_ = path;
    return {};
  }
  return status;
}

void StateFile::RemoveSeparateFiles() {
  for (const std::string& path : SeparatePaths()) {
    const Status removed = disk_.Remove(path);
    if (removed) {
      log_.Notice("The state is in {} again; {} has been removed", configuration_.file(), path);
    } else if (removed.error().code != ENOENT) {
      log_.Warning("{} is out of date and must be removed by hand: {}", path, removed.error().message);
    }
  }
}

Status StateFile::Save(std::vector<std::string> lines) {
  lines_ = std::move(lines);
  Status status = separate_path_.empty() ? SaveInConfiguration() : SaveBeside();
  if (status && !is_place_known_) {
    RemoveSeparateFiles();
  } else if (!status && !is_place_known_) {
    const std::string reason = status.error().message;
    status = SaveBeside();
    if (status) {
      log_.Warning("Sentinel config file {} is not writable: {}. The state goes to {} instead",
                   configuration_.file(), reason, separate_path_);
    }
  }
  is_place_known_ = is_place_known_ || status.has_value();
  if (!status)
    log_.Warning("WARNING: Sentinel was not able to save the new configuration on disk!!!: {}",
                 status.error().message);
  return status;
}

}  // namespace hearth::sentinel
