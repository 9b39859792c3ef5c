// Arbitrary bytes as the last file of an AOF: loading and checking must agree on what is sound, nothing of an
// unfinished transaction may be applied, and what was cut off once must load whole the next time.
#include <cstdint>
#include <string>
#include <string_view>

#include "aof/check.h"
#include "aof/loader.h"
#include "base/assert.h"
#include "base/log.h"
#include "env/testing/faulty_disk.h"
#include "env/testing/manual_clock.h"

namespace hearth::aof {
namespace {

constexpr uint64_t kSnapshotBytes = 9;

class Sink final : public LoadSink {
 public:
  Result<uint64_t> LoadSnapshot(const std::string&) override { return kSnapshotBytes; }
  Status Apply(int database, std::span<const std::string_view> args) override {
    HEARTH_ASSERT(database >= 0 && !args.empty());
    for (const std::string_view arg : args) applied.append(arg).push_back('\n');
    return {};
  }
  void BeginUnit() override {
    HEARTH_ASSERT(!in_unit);
    in_unit = true;
  }
  void EndUnit() override {
    HEARTH_ASSERT(in_unit);
    in_unit = false;
  }
  void OnProgress(uint64_t bytes) override {
    HEARTH_ASSERT(bytes >= progress);
    progress = bytes;
  }

  std::string applied;
  bool in_unit = false;
  uint64_t progress = 0;
};

void RunOne(std::string_view bytes) {
  Logger log;
  log.SetLevel(LogLevel::kNothing);
  env::ManualClock clock;
  env::FaultyDisk disk;
  disk.Put("f", std::string(bytes));
  const std::vector<Folder::DataFile> files = {{"f", "f", true}};
  const SnapshotChecker snapshot = [](const std::string&) -> Result<uint64_t> { return kSnapshotBytes; };

  const auto check = CheckFile(disk, "f", snapshot);
  Sink first;
  const auto loaded = Loader(disk, clock, log, first).Load(files, true);
  if (!check || check->is_damaged) {
    HEARTH_ASSERT(!loaded);
    return;
  }
  HEARTH_ASSERT(!first.in_unit);
  // SELECT's argument is all that the loader looks at and the check does not.
  if (!loaded) return;
  HEARTH_ASSERT(loaded->bytes == check->sound_bytes);
  HEARTH_ASSERT(disk.Contents("f") == bytes.substr(0, check->sound_bytes));
  Sink again;
  const auto reloaded = Loader(disk, clock, log, again).Load(files, false);
  HEARTH_ASSERT(reloaded && reloaded->cut_bytes == 0 && reloaded->commands == loaded->commands);
  HEARTH_ASSERT(again.applied == first.applied);
}

}  // namespace
}  // namespace hearth::aof

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::aof::RunOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
