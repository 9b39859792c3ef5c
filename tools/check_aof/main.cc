// hearth-check-aof: reads the files of an AOF to their ends, says what is wrong and where, and cuts off what
// cannot be loaded if it is asked to. Exit codes: 0 sound (or made so), 1 not, others: wrong options.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <climits>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "aof/check.h"
#include "aof/manifest.h"
#include "base/memory.h"
#include "env/clock.h"
#include "env/disk.h"
#include "rdb/loader.h"

namespace hearth::check_aof {
namespace {

struct Options {
  std::string path;
  bool fixes = false;
  bool is_sure = false;
  int64_t until = 0;  // Unix seconds; 0 for none
};

// The keys of a snapshot are checked and dropped.
class DroppingSink final : public rdb::LoadSink {
 public:
  Status OnAux(std::string_view, std::string_view) override { return {}; }
  Status OnFunction(std::string_view) override { return {}; }
  Status OnDatabase(int) override { return {}; }
  Status OnResize(uint64_t, uint64_t) override { return {}; }
  Status OnKey(rdb::LoadedKey) override { return {}; }
};

struct NamedFile {
  std::string path;
  std::string name;
  std::string_view kind;  // "BASE AOF", "INCR AOF" or "AOF"
};

class Checker {
 public:
  explicit Checker(const Options& options)
      : options_(options), disk_(env::MakeSystemDisk()), clock_(env::MakeSystemClock()) {}

  bool Run() {
    const auto is_manifest = aof::IsManifest(*disk_, options_.path);
    if (!is_manifest) return Refuse(is_manifest.error().message);
    if (!*is_manifest) {
      fmt::print("Start checking Old-Style AOF\n");
      return CheckFile({options_.path, options_.path, "AOF"}, true);
    }
    fmt::print("Start checking Multi Part AOF\n");
    return CheckManifest();
  }

 private:
  bool Refuse(std::string_view message) const {
    fmt::print(stderr, "{}\n", message);
    return false;
  }

  bool CheckManifest() {
    const auto text = env::ReadWholeFile(*disk_, options_.path);
    if (!text) return Refuse(text.error().message);
    const auto manifest = aof::Manifest::Parse(*text);
    if (!manifest) return Refuse(options_.path + ": " + manifest.error().message);
    const size_t slash = options_.path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : options_.path.substr(0, slash);
    std::vector<NamedFile> files;
    if (const auto& base = manifest->base())
      files.push_back({folder + "/" + base->name, base->name, "BASE AOF"});
    for (const aof::ManifestFile& file : manifest->increments())
      files.push_back({folder + "/" + file.name, file.name, "INCR AOF"});
    // As the server sees it: what is empty holds nothing that continues the file before it.
    const NamedFile* last = nullptr;
    for (const NamedFile& file : files) {
      const auto info = disk_->Stat(file.path);
      if (last == nullptr || (info && info->has_value() && (*info)->size_bytes != 0)) last = &file;
    }
    for (const NamedFile& file : files) {
      if (!CheckFile(file, &file >= last)) return false;
    }
    fmt::print("All AOF files and manifest are valid\n");
    return true;
  }

  // `is_last`: only the last file may be cut, for what follows continues it.
  bool CheckFile(const NamedFile& file, bool is_last) {
    const std::optional<int64_t> until =
        options_.until == 0 ? std::nullopt : std::optional<int64_t>(options_.until);
    const auto check = aof::CheckFile(
        *disk_, file.path, [this](const std::string& path) { return CheckSnapshot(path); }, until);
    if (!check) return Refuse(check.error().message);
    if (until) return CutToTime(file, *check, is_last);
    fmt::print("AOF analyzed: filename={}, size={}, ok_up_to={}, commands={}, diff={}\n", file.name,
               check->file_bytes, check->sound_bytes, check->commands,
               check->file_bytes - check->sound_bytes);
    if (check->is_sound()) {
      fmt::print("{} {} is valid\n", file.kind, file.name);
      return true;
    }
    fmt::print("{}: {}\n", file.path, check->problem);
    return options_.fixes ? Fix(file, *check, is_last)
                          : Refuse(fmt::format("{} {} is not valid. Use the --fix option to try fixing it.",
                                               file.kind, file.name));
  }

  Result<uint64_t> CheckSnapshot(const std::string& path) {
    auto source = rdb::FileSource::Open(*disk_, path);
    if (!source) return std::unexpected(source.error());
    const settings::Settings settings;
    const rdb::LoadOptions loading{.decoding = {settings, nullptr, true},
                                   .database_count = INT_MAX,
                                   .now_ms = clock_->WallMicros() / 1000};
    DroppingSink sink;
    const auto summary = rdb::LoadRdb(**source, loading, sink);
    if (!summary) return std::unexpected(summary.error());
    fmt::print("The RDB at its beginning is sound: {} bytes, {} keys\n", summary->bytes, summary->keys);
    return summary->bytes;
  }

  bool Fix(const NamedFile& file, const aof::FileCheck& check, bool is_last) {
    if (check.sound_bytes == 0 && check.has_snapshot)
      return Refuse("A broken RDB cannot be fixed by cutting: take the file from a backup");
    if (!is_last) {
      return Refuse(
          fmt::format("Failed to truncate AOF {} because it is not the last file: what the next files hold "
                      "continues what would be lost here",
                      file.name));
    }
    fmt::print("This will shrink the AOF {} from {} bytes, with {} bytes, to {} bytes\n", file.name,
               check.file_bytes, check.file_bytes - check.sound_bytes, check.sound_bytes);
    if (!IsAgreed()) return Refuse("Aborting...");
    if (const Status cut = aof::Truncate(*disk_, file.path, check.sound_bytes); !cut)
      return Refuse(cut.error().message);
    fmt::print("Successfully truncated AOF {}\n", file.name);
    return true;
  }

  bool CutToTime(const NamedFile& file, const aof::FileCheck& check, bool is_last) {
    if (!check.time_cut) {
      if (!check.is_sound()) return Refuse(fmt::format("{}: {}", file.path, check.problem));
      fmt::print("Truncate nothing in AOF {} to timestamp {}\n", file.name, options_.until);
      return true;
    }
    if (*check.time_cut == 0) {
      return Refuse(
          fmt::format("AOF {} has nothing before timestamp {}, aborting...", file.name, options_.until));
    }
    if (!is_last) {
      return Refuse(fmt::format(
          "Failed to truncate AOF {} to timestamp {} to offset {} because it is not the last file. "
          "Remove the files after it, and their lines in the manifest, and run this again",
          file.name, options_.until, *check.time_cut));
    }
    if (const Status cut = aof::Truncate(*disk_, file.path, *check.time_cut); !cut)
      return Refuse(cut.error().message);
    fmt::print("Successfully truncated AOF {} to timestamp {}\n", file.name, options_.until);
    return true;
  }

  bool IsAgreed() const {
    if (options_.is_sure) return true;
    fmt::print("Continue? [y/N]: ");
    std::fflush(stdout);
    const int answer = std::getchar();
    return answer == 'y' || answer == 'Y';
  }

  const Options options_;
  const std::unique_ptr<env::Disk> disk_;
  const std::unique_ptr<env::Clock> clock_;
};

int Main(int argument_count, char** arguments) {
  const auto memory = RegisterThreadMemory();
  Options options;
  CLI::App app("Checks an AOF and says what is wrong and where.", "hearth-check-aof");
  app.add_option("file", options.path, "the AOF's manifest, or a single AOF file")->required();
  auto* fix =
      app.add_flag("--fix", options.fixes, "cut off the end of the last file from where it cannot be loaded");
  app.add_option("--truncate-to-timestamp", options.until,
                 "cut off what was logged after this Unix time (aof-timestamp-enabled)")
      ->check(CLI::PositiveNumber)
      ->excludes(fix);
  app.add_flag("-y,--yes", options.is_sure, "do not ask before cutting");
  CLI11_PARSE(app, argument_count, arguments);
  return Checker(options).Run() ? 0 : 1;
}

}  // namespace
}  // namespace hearth::check_aof

int main(int argc, char** argv) { return hearth::check_aof::Main(argc, argv); }
