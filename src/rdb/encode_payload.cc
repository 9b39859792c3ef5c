#include "rdb/encode_payload.h"

#include "base/crc64.h"
#include "keyspace/capture.h"
#include "rdb/encoder.h"

namespace hearth::rdb {
namespace {

class PayloadEncoder final : public keyspace::CaptureHandler {
 public:
  PayloadEncoder(Compression compression, std::string& to)
      : options_{.forms = EncodeOptions::Forms::kOf72,
                 .compression = compression,
                 .may_have_field_expiries = true},
        to_(to) {}

  void OnWhole(const keyspace::CapturedKey& key, keyspace::CapturedParts parts) override {
    const ValueType type = TypeOfWhole(key, parts, options_);
    has_field_expiries_ = type == ValueType::kHashMetadata || type == ValueType::kHashListpackEx;
    PutType(to_, type);
    EncodeWhole(key, type, parts, options_, to_);
  }
  // A payload is captured whole.
  void OnBegin(uint64_t, const keyspace::CapturedKey&, keyspace::CapturedParts) override {}
  void OnPiece(uint64_t, keyspace::CapturedParts) override {}
  void OnEnd(uint64_t) override {}

  int version() const { return has_field_expiries_ ? kFirstVersionWithFieldExpiry : kVersion72; }

 private:
  const EncodeOptions options_;
  std::string& to_;
  bool has_field_expiries_ = false;
};

}  // namespace

std::string EncodePayload(const keyspace::Entry& entry, Compression compression) {
  std::string payload;
  PayloadEncoder encoder(compression, payload);
  keyspace::CaptureWriter writer(
      [&](const keyspace::CaptureChunk& chunk) { keyspace::ReadCapture(chunk, encoder); });
  writer.Whole(0, entry);
  writer.Flush();
  PutLittle(payload, static_cast<uint16_t>(encoder.version()));
  PutLittle(payload, Crc64(0, payload));
  return payload;
}

}  // namespace hearth::rdb
