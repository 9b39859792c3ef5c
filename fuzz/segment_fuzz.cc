// Arbitrary bytes as a segment of the write log on disk, with a sound header and, if the input wishes, sound
// records before the arbitrary ones: recovery keeps exactly the sound ones, and appending goes on behind
// them.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "base/log.h"
#include "env/testing/faulty_disk.h"
#include "fuzz_input.h"
#include "log/segments.h"

namespace hearth::log {
namespace {

void RunOne(FuzzInput input) {
  Logger logger;
  logger.SetLevel(LogLevel::kNothing);
  env::FaultyDisk disk;
  const uint64_t start = input.Number() / 2;
  std::string file =
      EncodeSegmentHeader({.replication_id = std::string(kReplicationIdBytes, 'f'), .start_offset = start});
  std::string sound;
  for (int count = input.Byte() % 4; count > 0; --count) {
    const std::string_view text = input.Text();
    file += EncodeRecordHeader(RecordKind::kData, start + sound.size(), text);
    file += text;
    sound += text;
  }
  file += input.Rest();
  HEARTH_ASSERT(disk.MakeDir("log").has_value());
  disk.Put("log/" + SegmentName(start), file);
  Segments segments(disk, logger, {"log", 1 << 20});
  const auto recovered = segments.Recover();
  HEARTH_ASSERT(recovered && recovered->has_value());
  HEARTH_ASSERT((*recovered)->start_offset == start && (*recovered)->end_offset >= start + sound.size());
  HEARTH_ASSERT(segments.Append((*recovered)->end_offset, "more").has_value());
  SegmentReader reader(segments);
  std::string all;
  std::string piece;
  do {
    HEARTH_ASSERT(reader.Read(start + all.size(), piece).has_value());
    all += piece;
  } while (!piece.empty());
  HEARTH_ASSERT(all.starts_with(sound) && all.ends_with("more"));
}

}  // namespace
}  // namespace hearth::log

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::log::RunOne(hearth::FuzzInput(data, size));
  return 0;
}
