#include "server/config_files.h"

#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/text.h"

namespace hearth::server {

namespace {

// The system's words alone; the path is already part of the messages of those who call.
Error ReasonAlone(const Error& error) {
  return Error{error.code != 0 ? std::generic_category().message(error.code) : error.message, error.code};
}

bool HasPattern(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

// Adds to `paths` what `rest`, the part of a pattern after `folder`, matches. `folder` is empty or ends with
// '/'.
void MatchBelow(env::Disk& disk, const std::string& folder, std::string_view rest,
                std::vector<std::string>& paths) {
  const size_t slash = rest.find('/');
  const std::string_view component = rest.substr(0, slash);
  const bool is_last = slash == std::string_view::npos;
  const std::string_view behind = is_last ? std::string_view() : rest.substr(slash + 1);
  const auto descend = [&](std::string_view name) {
    const std::string path = folder + std::string(name);
    if (!is_last) return MatchBelow(disk, path + '/', behind, paths);
    const auto info = disk.Stat(path);
    if (info && *info && !(*info)->is_directory) paths.push_back(path);
  };
  if (!HasPattern(component)) return descend(component);
  const auto names = disk.List(folder.empty() ? "." : folder);
  if (!names) return;
  for (const std::string& name : *names) {
    const bool is_hidden = name.starts_with('.') && !component.starts_with('.');
    if (!is_hidden && GlobMatch(component, name)) descend(name);
  }
}

}  // namespace

Result<std::string> ConfigFiles::Read(const std::string& path) {
  Result<std::string> text = env::ReadWholeFile(disk_, path);
  if (!text) return std::unexpected(ReasonAlone(text.error()));
  return text;
}

std::vector<std::string> ConfigFiles::Match(const std::string& pattern) {
  std::vector<std::string> paths;
  MatchBelow(disk_, "", pattern, paths);
  return paths;
}

Status ConfigFiles::Replace(const std::string& path, std::string_view contents) {
  // A link to the file stays a link: its target is what gets replaced.
  std::error_code error;
  const std::filesystem::path target = std::filesystem::weakly_canonical(path, error);
  const Status status = env::ReplaceFile(disk_, error ? path : target.string(), contents);
  if (!status) return std::unexpected(ReasonAlone(status.error()));
  return {};
}

Status ConfigFiles::EnterFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::current_path(path, error);
  if (error) return Fail(error.message(), error.value());
  return {};
}

std::string ConfigFiles::CurrentFolder() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::current_path(error);
  return error ? "." : folder.string();
}

}  // namespace hearth::server
