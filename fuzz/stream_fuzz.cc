// Arbitrary bytes as a block of a stream: what passes validation must read the same in both directions, and
// entries must come and go without harm.
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "ds/stream_log.h"
#include "fuzz_input.h"

namespace hearth::ds {
namespace {

std::vector<StreamId> Ids(const StreamBlock& block, bool backward) {
  std::vector<StreamId> ids;
  StreamBlockCursor cursor(block);
  for (bool is_there = backward ? cursor.ToLast() : cursor.ToFirst(); is_there;
       is_there = backward ? cursor.Previous() : cursor.Next()) {
    ids.insert(backward ? ids.begin() : ids.end(), cursor.id());
    size_t fields = 0;
    cursor.ForEachField([&](const ListpackValue&, const ListpackValue&) { ++fields; });
    HEARTH_ASSERT(fields == cursor.field_count());
  }
  return ids;
}

void ReadForeign(const std::string& raw) {
  if (!ValidateStreamBlock(raw) ||
      StreamBlockHeader(ListpackView(reinterpret_cast<const uint8_t*>(raw.data()))).count == 0)
    return;
  StreamLog log;
  log.AddBlock({1, 1}, Listpack::Copy(raw));
  const StreamBlock block = log.blocks().ValueAt(log.blocks().First());
  HEARTH_ASSERT(Ids(block, false) == Ids(block, true));
  const StreamBlockHeader header(block.View());
  StreamLog::Counters counters;
  counters.length = static_cast<uint64_t>(header.count);
  counters.last_id = StreamId::Max();
  log.set_counters(counters);
  StreamTrim trim;
  trim.max_length = 1;
  log.Trim(trim);
  if (!log.blocks().empty()) {
    HEARTH_ASSERT(ValidateStreamBlock(log.blocks().ValueAt(log.blocks().First()).View().Raw()));
  }
}

void Change(StreamLog& log, FuzzInput& input) {
  const StreamBlockLimits limits{.max_bytes = size_t{input.Byte()} * 16, .max_entries = input.Byte() % 8u};
  const uint8_t choice = input.Byte();
  const StreamId id{log.last_id().ms + input.Byte(), input.Number()};
  if (choice % 4 < 2 && id > log.last_id()) {
    const std::string first(input.Text());
    const std::string second(input.Text());
    const std::string_view name = choice % 2 ? std::string_view("other") : std::string_view(second);
    const std::vector<std::string_view> pairs = {"field", first, name, second};
    log.Append(id, pairs, limits);
    HEARTH_ASSERT(log.Contains(id));
  } else if (choice % 4 == 2) {
    StreamRange range(log, {input.Byte(), 0}, StreamId::Max(), choice & 8);
    if (range.Next()) HEARTH_ASSERT(log.Delete(range.id()));
  } else {
    StreamTrim trim;
    trim.max_length = input.Byte();
    trim.is_approximate = (choice & 8) != 0;
    log.Trim(trim);
  }
}

void RunOne(FuzzInput input) {
  if (input.Byte() % 2 == 0) return ReadForeign(std::string(input.Rest()));
  StreamLog log;
  while (!input.IsEmpty()) Change(log, input);
  uint64_t length = 0;
  StreamRange range(log, StreamId::Min(), StreamId::Max());
  while (range.Next()) ++length;
  HEARTH_ASSERT(length == log.length());
}

}  // namespace
}  // namespace hearth::ds

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::ds::RunOne(hearth::FuzzInput(data, size));
  return 0;
}
