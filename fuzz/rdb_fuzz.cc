// Arbitrary bytes as an RDB file, in pieces of any size: what is taken must be readable, and every refusal
// says where.
#include <algorithm>
#include <memory>
#include <string>

#include "base/assert.h"
#include "fuzz_input.h"
#include "rdb/aux_fields.h"
#include "rdb/loader.h"
#include "rdb/testing/describe.h"

namespace hearth::rdb {
namespace {

// Each piece has an allocation of its own, so that a step beyond it is found.
class Pieces final : public ByteSource {
 public:
  Pieces(std::string_view bytes, size_t piece_bytes, bool knows_size)
      : bytes_(bytes), piece_bytes_(piece_bytes), knows_size_(knows_size) {}

  Result<std::string_view> NextBlock() override {
    const size_t size = std::min(piece_bytes_, bytes_.size());
    piece_ = std::make_unique<char[]>(size);
    std::copy_n(bytes_.begin(), size, piece_.get());
    bytes_.remove_prefix(size);
    return std::string_view(piece_.get(), size);
  }
  uint64_t BytesLeft() const override { return knows_size_ ? bytes_.size() : kUnknownSize; }

 private:
  std::string_view bytes_;
  const size_t piece_bytes_;
  const bool knows_size_;
  std::unique_ptr<char[]> piece_;
};

class ReadingSink final : public LoadSink {
 public:
  Status OnAux(std::string_view name, std::string_view value) override {
    AuxFields fields;
    TakeAuxField(name, value, &fields);
    return {};
  }
  Status OnFunction(std::string_view) override { return {}; }
  Status OnDatabase(int) override { return {}; }
  Status OnResize(uint64_t, uint64_t) override { return {}; }
  Status OnKey(LoadedKey key) override {
    HEARTH_ASSERT(key.hash == Hash(key.entry->key()));
    testing::Describe(*key.entry);
    return {};
  }
};

void RunOne(FuzzInput input) {
  const uint8_t choice = input.Byte();
  const size_t piece_bytes = size_t{input.Byte()} + 1;
  const settings::Settings settings;
  const LoadOptions options{.decoding = {settings, nullptr, (choice & 1) != 0},
                            .now_ms = 1'000'000'000'000,
                            .drops_expired = (choice & 2) != 0,
                            .checks_sum = (choice & 4) != 0};
  Pieces source(input.Rest(), (choice & 8) != 0 ? piece_bytes : input.Rest().size() + 1, (choice & 16) != 0);
  ReadingSink sink;
  const auto summary = LoadRdb(source, options, sink);
  HEARTH_ASSERT(summary || summary.error().message.starts_with("at byte "));
}

}  // namespace
}  // namespace hearth::rdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::rdb::RunOne(hearth::FuzzInput(data, size));
  return 0;
}
