// hearth-check-rdb: reads an RDB file to its end, checks every byte of it, and says what is wrong and where.
// Exit codes: 0 the file is sound, 1 it is not or cannot be read, others: wrong options.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <climits>
#include <cstdio>
#include <memory>
#include <string>

#include "base/memory.h"
#include "check_rdb/statistics.h"
#include "env/clock.h"
#include "env/disk.h"
#include "rdb/loader.h"

namespace hearth::check_rdb {
namespace {

struct Options {
  std::string path;
  bool has_statistics = false;
  bool is_quiet = false;
  bool checks_sum = true;
  size_t biggest = 10;
};

void PrintSummary(const rdb::LoadSummary& summary, const Statistics& statistics, bool checks_sum) {
  const std::string_view checksum = !checks_sum            ? "not checked"
                                    : summary.has_checksum ? "right"
                                                           : "none in the file";
  fmt::print("The file is sound: RDB version {}, {} bytes, checksum {}.\n", summary.version, summary.bytes,
             checksum);
  fmt::print("[info] {} keys read\n", summary.keys);
  fmt::print("[info] {} expires\n", statistics.expiring());
  fmt::print("[info] {} already expired\n", statistics.expired());
  if (summary.empty_keys > 0) fmt::print("[info] {} empty keys, which loading skips\n", summary.empty_keys);
}

int Check(const Options& options) {
  const auto disk = env::MakeSystemDisk();
  const auto clock = env::MakeSystemClock();
  auto source = rdb::FileSource::Open(*disk, options.path);
  if (!source) {
    fmt::print(stderr, "{}\n", source.error().message);
    return 1;
  }
  const settings::Settings settings;
  const int64_t now_ms = clock->WallMicros() / 1000;
  const rdb::LoadOptions loading{.decoding = {settings, nullptr, true},
                                 .database_count = INT_MAX,
                                 .now_ms = now_ms,
                                 .checks_sum = options.checks_sum};
  Statistics statistics(options.biggest, now_ms, !options.is_quiet);
  const auto summary = rdb::LoadRdb(**source, loading, statistics);
  if (summary) {
    if (!options.is_quiet) PrintSummary(*summary, statistics, options.checks_sum);
  } else {
    fmt::print(stderr, "{}: {}\n", options.path, summary.error().message);
  }
  if (options.has_statistics) statistics.Print();
  return summary ? 0 : 1;
}

int Main(int argument_count, char** arguments) {
  const auto memory = RegisterThreadMemory();
  Options options;
  CLI::App app("Checks an RDB file and says what is wrong and where.", "hearth-check-rdb");
  app.add_option("file", options.path, "the RDB file")->required();
  app.add_flag(
      "--stats", options.has_statistics,
      "print keys by type and encoding, their sizes, and the biggest keys; also of the sound part of a "
      "broken file");
  app.add_option("--biggest", options.biggest, "how many of the biggest keys --stats prints")
      ->capture_default_str();
  app.add_flag("-q,--quiet", options.is_quiet, "print errors alone, and what --stats asks for");
  app.add_flag("!--no-checksum", options.checks_sum, "do not compare the checksum at the end");
  CLI11_PARSE(app, argument_count, arguments);
  return Check(options);
}

}  // namespace
}  // namespace hearth::check_rdb

int main(int argc, char** argv) { return hearth::check_rdb::Main(argc, argv); }
